// Every package as an ES module: what was handled, and how each delivery ended, as one line of JSON.
import { createDeduplicator, jsonField, memoryStore, OnlyOnceError } from "@onlyonce/core";
import { attend } from "@onlyonce/core/adapter";
import { kafkaRun } from "@onlyonce/kafka";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";

const outcomes = [];
const handled = [];
const observers = [{ outcome: ({ outcome }) => outcomes.push(outcome) }];

/** Hands one message over twice; gives how the two deliveries ended. */
async function twice(deliver) {
  outcomes.length = 0;
  await deliver();
  await deliver();
  return [...outcomes];
}

const redis = new Redis(process.env.REDIS_URL);
const store = redisStore(redis, { prefix: process.env.PREFIX });
const dedup = createDeduplicator({
  store,
  scope: "esm",
  observers,
  topics: { payments: { key: jsonField("/id") } },
});

const processed = await twice(() =>
  dedup.process({ topic: "payments", payload: { id: "p-1" } }, () => handled.push("process")),
);
const attended = await twice(() =>
  attend(dedup, { topic: "orders", id: "o-1" }, () => handled.push("attend")),
);

const { eachBatch } = kafkaRun(dedup, { eachMessage: async () => void handled.push("kafka") });
const resolved = [];
const fetched = { value: "{}", timestamp: "1", headers: { "idempotency-key": "k-1" } };
const consumed = await twice(() =>
  eachBatch({
    batch: {
      topic: "shipments",
      partition: 0,
      messages: [{ ...fetched, offset: String(resolved.length) }],
    },
    resolveOffset: (offset) => resolved.push(offset),
    heartbeat: async () => undefined,
    pause: () => () => undefined,
    isRunning: () => true,
    isStale: () => false,
  }),
);

let onMessage;
let onAck;
const channel = {
  prefetch: async () => undefined,
  consume: async (_queue, listener) => {
    onMessage = listener;
    return { consumerTag: "tag" };
  },
  cancel: async () => undefined,
  ack: () => onAck(),
  nack: () => undefined,
  once: () => undefined,
};
const consumer = await rabbitConsume(dedup, channel, "invoices", async () => {
  handled.push("rabbitmq");
});
const received = await twice(() => {
  const acked = new Promise((resolve) => {
    onAck = resolve;
  });
  onMessage({
    content: Buffer.from("{}"),
    fields: { redelivered: false },
    properties: { messageId: "i-1", headers: {} },
  });
  return acked;
});

await consumer.close();
await dedup.close();
const refusal = await dedup
  .process({ topic: "payments", payload: { id: "p-2" } }, () => undefined)
  .then(
    () => undefined,
    (error) => (OnlyOnceError.is(error) ? error.code : String(error)),
  );
await redis.quit();

const forgetful = createDeduplicator({ store: memoryStore(), scope: "esm", observers });
const remembered = await twice(() =>
  forgetful.process({ topic: "orders", id: "o-1" }, () => handled.push("memory")),
);
await forgetful[Symbol.asyncDispose]();

console.log(
  JSON.stringify({
    processed,
    attended,
    consumed,
    resolved,
    received,
    remembered,
    refusal,
    handled,
  }),
);
