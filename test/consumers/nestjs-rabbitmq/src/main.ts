import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClientProxyFactory, RmqRecordBuilder, Transport } from "@nestjs/microservices";
import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { connect } from "amqplib";
import { firstValueFrom } from "rxjs";
import { BillingController, LOG } from "./billing.controller";
import { GuardedRabbitMq, OwnErrors } from "./guarded-rabbitmq";

@Module({ controllers: [BillingController] })
class AppModule {}

const url = process.env.AMQP_URL ?? "amqp://localhost";
const queue = process.env.QUEUE ?? "billing";
const outcomes: string[] = [];
const deadLetters: string[] = [];

async function until(isTrue: () => boolean): Promise<void> {
  const limitMs = Date.now() + 60_000;
  while (!isTrue()) {
    if (Date.now() > limitMs) throw new Error(`still only ${JSON.stringify({ LOG, outcomes })}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function main(): Promise<void> {
  const deduplicator = createDeduplicator({
    store: memoryStore(),
    scope: "billing",
    observers: [{ outcome: ({ outcome }) => void outcomes.push(outcome) }],
  });
  const connection = await connect(url);
  const strategy = new GuardedRabbitMq({
    deduplicator,
    queue,
    open: () => connection.createConfirmChannel(),
    options: {
      retryDelayMs: () => 50,
      deadLetter: async ({ properties }) => void deadLetters.push(String(properties.messageId)),
    },
  });
  const app = await NestFactory.createMicroservice(AppModule, { strategy, logger: ["fatal"] });
  app.useGlobalFilters(new OwnErrors());
  app.enableShutdownHooks();
  await app.listen();

  const client = ClientProxyFactory.create({
    transport: Transport.RMQ,
    options: { urls: [url], queue, queueOptions: { durable: true } },
  });
  const record = (data: object, messageId: string) =>
    new RmqRecordBuilder(data).setOptions({ messageId }).build();
  const emit = (id: string) =>
    firstValueFrom(client.emit("invoice.made", record({ id }, id)), { defaultValue: undefined });
  for (const id of ["i-1", "i-1", "i-2", "i-3"]) await emit(id);
  await until(() => outcomes.length === 5);
  const invoices = LOG.splice(0);
  const charge = () => firstValueFrom(client.send("charge", record({ amount: 10 }, "c-1")));
  const receipts = [await charge(), await charge()];
  await client.close();
  await app.close();
  await deduplicator.close();
  const { messageCount, consumerCount } = await (await connection.createChannel()).checkQueue(
    queue,
  );
  await connection.close();
  const left = { messageCount, consumerCount };
  console.log(JSON.stringify({ invoices, charges: LOG, receipts, deadLetters, outcomes, left }));
}

void main();
