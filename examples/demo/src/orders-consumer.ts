// A guarded Kafka consumer. `consumer-process.ts` is what the demo needs to watch it; the rest is yours to copy.
import { createDeduplicator, header } from "@onlyonce/core";
import { kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { Kafka } from "kafkajs";
import { observers, perform, settings, untilTold } from "./consumer-process.js";

const redis = new Redis(settings.redisUrl);
const dedup = createDeduplicator({
  store: redisStore(redis, { prefix: settings.keyPrefix, commandTimeoutMs: 500 }),
  scope: settings.group,
  defaults: {
    key: header("idempotency-key"),
    mode: settings.isOff ? "off" : "enforce",
    // Short, so that the demo need not wait long after a kill. The defaults are 30 min, 30 s and 24 h.
    ackTimeoutMs: 20_000,
    leaseMs: 3_000,
    windowMs: 600_000,
  },
  observers,
});

const kafka = new Kafka({ clientId: settings.name, brokers: settings.brokerUrl.split(",") });
const orders = kafka.consumer({
  groupId: settings.group,
  // So short that the group does not wait for the slow order. The client's defaults are 30 s, 60 s and 3 s.
  sessionTimeout: 6_000,
  rebalanceTimeout: 2_000,
  heartbeatInterval: 500,
  maxWaitTimeInMs: 200,
});

await orders.connect();
await orders.subscribe({ topics: [settings.source], fromBeginning: true });
await untilTold("join");
await orders.run(
  kafkaRun(dedup, {
    partitionsConsumedConcurrently: 2,
    eachMessage: async ({ message }, context) => {
      await perform(JSON.parse(String(message.value)), context);
    },
  }),
);

await untilTold("stop");
await orders.disconnect();
await dedup.close();
redis.disconnect();
