// What the guide's examples take for granted.
import type * as confluent from "@confluentinc/kafka-javascript";
import type * as nest from "@nestjs/common";
import type * as transport from "@nestjs/microservices";
import type * as core from "@onlyonce/core";
import type { Deduplicator } from "@onlyonce/core";
import type * as adapter from "@onlyonce/kafka";
import type * as kafkajs from "kafkajs";

declare global {
  const KafkaJS: typeof confluent.KafkaJS;

  const { Controller, Injectable }: typeof nest;
  type OnApplicationBootstrap = nest.OnApplicationBootstrap;
  type OnApplicationShutdown = nest.OnApplicationShutdown;
  const { Ctx, EventPattern, Payload }: typeof transport;
  type KafkaContext = transport.KafkaContext;

  const { jsonField }: typeof core;
  const { deadLetterTo, kafkaRun, stampKey }: typeof adapter;

  const brokers: string[];
  const instance: string;
  const kafka: kafkajs.Kafka;
  const consumer: kafkajs.Consumer;
  const dedup: Deduplicator;

  interface Payment {
    readonly id: string;
  }
  const payment: Payment;
  const bank: {
    charge(payment: Payment, idempotencyKey?: string): Promise<void>;
    refund(payment: Payment, idempotencyKey?: string): Promise<void>;
  };
  function charge(
    message: { readonly value: Buffer | string | null },
    idempotencyKey?: string,
  ): Promise<void>;
  function insertAll(
    messages: readonly { readonly value: Buffer | string | null }[],
  ): Promise<readonly number[]>;
}
