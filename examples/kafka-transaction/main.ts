// Consume, transform, produce: one invoice per order, written in one Kafka transaction with the offset of the order.
import { randomUUID } from "node:crypto";
import { createDeduplicator, header } from "@onlyonce/core";
import { type KafkaMessage, kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";

const { KAFKA_BROKERS = "localhost:9092", REDIS_URL = "redis://localhost:6379" } = process.env;
const run = randomUUID();
const [orders, invoices, groupId] = [`orders-${run}`, `invoices-${run}`, `billing-${run}`];
const kafka = new Kafka({ brokers: KAFKA_BROKERS.split(","), logLevel: logLevel.NOTHING });

// One id per running instance, kept over restarts: a successor ends the transaction that its predecessor left open.
const producer = kafka.producer({
  transactionalId: `billing-1-${run}`,
  idempotent: true,
  maxInFlightRequests: 1,
});
const redis = new Redis(REDIS_URL);
const dedup = createDeduplicator({
  store: redisStore(redis),
  scope: groupId,
  defaults: { key: header("order-id"), ackTimeoutMs: 60_000 },
  observers: [
    {
      outcome: ({ outcome, delivery }) => {
        console.log(`${String(delivery.headers?.["order-id"])}: ${outcome}`);
      },
    },
  ],
});

// Resolves after the commit, and only then is the order remembered as done: the other way round could lose an invoice.
async function invoice({ topic, partition, message }: KafkaMessage): Promise<void> {
  const transaction = await producer.transaction();
  try {
    await transaction.send({
      topic: invoices,
      messages: [{ value: `invoice of ${message.value}` }],
    });
    failOnce(String(message.value));
    const offset = String(BigInt(message.offset) + 1n);
    const topics = [{ topic, partitions: [{ partition, offset }] }];
    await transaction.sendOffsets({ consumerGroupId: groupId, topics });
    await transaction.commit();
  } catch (error) {
    if (transaction.isActive()) await transaction.abort();
    throw error;
  }
}

let hasFailed = false;
function failOnce(order: string): void {
  if (order !== "order o-2" || hasFailed) return;
  hasFailed = true;
  throw new Error("the tax office is closed");
}

// What follows only feeds the consumer, reads its invoices and cleans up.
const [admin, source] = [kafka.admin(), kafka.producer()];
await Promise.all([admin.connect(), source.connect(), producer.connect()]);
const topics = [orders, invoices].map((topic) => ({ topic, numPartitions: 1 }));
await admin.createTopics({ topics, waitForLeaders: true });
const messages = ["o-1", "o-1", "o-2", "o-3"].map((id) => ({
  value: `order ${id}`,
  headers: { "order-id": id },
}));
await source.send({ topic: orders, messages });

const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
await consumer.connect();
await consumer.subscribe({ topics: [orders], fromBeginning: true });
await consumer.run(kafkaRun(dedup, { eachMessage: invoice }, { retryDelayMs: () => 100 }));

// A reader sees what was committed, unless it asks for more.
const reader = kafka.consumer({ groupId: `reader-${run}`, maxWaitTimeInMs: 200 });
const seen: string[] = [];
await reader.connect();
await reader.subscribe({ topics: [invoices], fromBeginning: true });
await new Promise<void>((resolve, reject) => {
  const eachMessage = async ({ message }: KafkaMessage): Promise<void> => {
    seen.push(String(message.value));
    if (message.value?.toString().endsWith("o-3") === true) resolve();
  };
  reader.run({ eachMessage }).catch(reject);
});

// Consumer, deduplicator, Redis: in this order.
await Promise.all([consumer.disconnect(), reader.disconnect()]);
await dedup.close();
console.log(seen.join("\n"));
await redis.quit();
await admin.deleteTopics({ topics: [orders, invoices] });
await Promise.all([admin.disconnect(), source.disconnect(), producer.disconnect()]);
