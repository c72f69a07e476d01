// What the guide's examples take for granted.
import type * as nest from "@nestjs/common";
import type * as nestCore from "@nestjs/core";
import type * as transport from "@nestjs/microservices";
import type * as core from "@onlyonce/core";
import type { Deduplicator } from "@onlyonce/core";
import type * as adapter from "@onlyonce/rabbitmq";
import type { RabbitConsumer } from "@onlyonce/rabbitmq";
import type { AmqpConnectionManager } from "amqp-connection-manager";
import type * as amqplib from "amqplib";
import type { Connection } from "rabbitmq-client";
import type * as guarded from "./guarded-rabbitmq.js";

declare global {
  const { Controller }: typeof nest;
  const { NestFactory }: typeof nestCore;
  const { Ctx, EventPattern, Payload, Transport }: typeof transport;
  type MicroserviceOptions = transport.MicroserviceOptions;
  type RmqContext = transport.RmqContext;
  const { GuardedRabbitMq, OwnErrors }: typeof guarded;
  type GuardedContext = guarded.GuardedContext;

  const { jsonCodec, jsonField }: typeof core;
  const { rabbitClientConsume, rabbitConsume, setupRetryTopology, stampKey }: typeof adapter;

  type ConfirmChannel = amqplib.ConfirmChannel;
  const connection: amqplib.ChannelModel;
  const channel: amqplib.ConfirmChannel;
  function currentConnection(): Promise<amqplib.ChannelModel>;
  function openChannel(): Promise<amqplib.ConfirmChannel>;
  const manager: AmqpConnectionManager;
  const rabbit: Connection;
  const dedup: Deduplicator;
  var consumer: RabbitConsumer;

  class AppModule {}
  const urls: string[];
  const event: object;
  interface Invoice {
    readonly id: string;
  }
  type Receipt = { readonly receipt: string };
  function charge(body: Uint8Array, idempotencyKey?: string): Promise<void>;
  function receiptOf(body: Uint8Array, idempotencyKey?: string): Promise<Receipt>;
  function send(invoice: Invoice, idempotencyKey?: string): Promise<void>;
  function park(message: amqplib.ConsumeMessage): Promise<void>;
  function handler(message: amqplib.ConsumeMessage): Promise<void>;
}
