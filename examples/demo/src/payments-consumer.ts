// A guarded RabbitMQ consumer. `consumer-process.ts` is what the demo needs to watch it; the rest is yours to copy.
import { createDeduplicator, jsonField } from "@onlyonce/core";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import { redisStore } from "@onlyonce/redis";
import { connect } from "amqplib";
import { Redis } from "ioredis";
import { observers, perform, settings, untilTold } from "./consumer-process.js";

const redis = new Redis(settings.redisUrl);
const dedup = createDeduplicator({
  store: redisStore(redis, { prefix: settings.keyPrefix, commandTimeoutMs: 500 }),
  scope: settings.group,
  defaults: {
    key: jsonField("/id"),
    mode: settings.isOff ? "off" : "enforce",
    // Short, so that the demo need not wait long after a kill. The defaults are 30 min, 30 s and 24 h.
    ackTimeoutMs: 20_000,
    leaseMs: 3_000,
    windowMs: 600_000,
  },
  observers,
});

const connection = await connect(settings.brokerUrl);
const channel = await connection.createChannel();
const payments = await rabbitConsume(
  dedup,
  channel,
  settings.source,
  async (message, context) => {
    await perform(JSON.parse(message.content.toString()), context);
  },
  { prefetch: 8 },
);

await untilTold("stop");
await payments.close();
await dedup.close();
await connection.close();
redis.disconnect();
