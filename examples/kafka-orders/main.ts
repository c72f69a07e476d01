// A guarded Kafka consumer: each order ships once, although the producer sent one of them twice.
import { randomUUID } from "node:crypto";
import { createDeduplicator, header } from "@onlyonce/core";
import { kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";

const { KAFKA_BROKERS = "localhost:9092", REDIS_URL = "redis://localhost:6379" } = process.env;
const topic = `orders-${randomUUID()}`;
const groupId = `shipping-${randomUUID()}`;
const kafka = new Kafka({ brokers: KAFKA_BROKERS.split(","), logLevel: logLevel.NOTHING });

// The guard: one object per service.
const redis = new Redis(REDIS_URL);
const dedup = createDeduplicator({
  store: redisStore(redis),
  scope: groupId,
  defaults: { key: header("order-id"), ackTimeoutMs: 60_000 },
  observers: [
    {
      outcome: ({ outcome, delivery }) => {
        console.log(`${String(delivery.headers?.["order-id"])}: ${outcome}`);
        if (String(delivery.headers?.["order-id"]) === "o-3" && outcome === "processed") allDone();
      },
    },
  ],
});

// The consumer: only the call to `run` differs from an unguarded one.
const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
let attempts = 0;
async function shipOrders(): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run(
    kafkaRun(
      dedup,
      {
        eachMessage: async ({ message }, { attempt }) => {
          const order = String(message.value);
          attempts += 1;
          if (order.includes("o-2") && attempt === 1) throw new Error("the warehouse is closed");
          console.log(`shipping ${order}, attempt ${attempt}`);
        },
      },
      { retryDelayMs: () => 100 },
    ),
  );
}

// What follows only feeds the consumer, waits for it and cleans up.
let allDone: () => void = () => undefined;
const done = new Promise<void>((resolve) => {
  allDone = resolve;
});
const admin = kafka.admin();
const producer = kafka.producer();
await Promise.all([admin.connect(), producer.connect()]);
await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
await producer.send({
  topic,
  messages: ["o-1", "o-1", "o-2", "o-3"].map((id) => ({
    value: `order ${id}`,
    headers: { "order-id": id },
  })),
});
await shipOrders();
await done;
console.log(`4 records, ${attempts} runs of the handler`);

// Consumer, deduplicator, Redis: in this order.
await consumer.disconnect();
await dedup.close();
await redis.quit();
await admin.deleteTopics({ topics: [topic] });
await Promise.all([admin.disconnect(), producer.disconnect()]);
