// A guarded Kafka consumer in a process of its own.
import { createDeduplicator, header, type TopicPolicy } from "@onlyonce/core";
import { kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { endWithParent, heard, settings, tell, tellingObserver } from "./parent.js";

export interface OrdersSettings {
  readonly brokers: readonly string[];
  readonly redisUrl: string;
  readonly prefix: string;
  readonly topic: string;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly maxWaitTimeInMs: number;
  readonly policy: TopicPolicy;
  readonly holds: boolean;
}

endWithParent();
const given = settings<OrdersSettings>();
const redis = new Redis(given.redisUrl);
const dedup = createDeduplicator({
  store: redisStore(redis, { prefix: given.prefix, commandTimeoutMs: 150 }),
  scope: given.groupId,
  defaults: { ...given.policy, key: header("id") },
  observers: [tellingObserver],
});
const kafka = new Kafka({ brokers: [...given.brokers], logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({
  groupId: given.groupId,
  sessionTimeout: given.sessionTimeoutMs,
  heartbeatInterval: Math.floor(given.sessionTimeoutMs / 3),
  maxWaitTimeInMs: given.maxWaitTimeInMs,
});
const finish = given.holds ? heard("finish") : Promise.resolve();
await consumer.connect();
await consumer.subscribe({ topics: [given.topic], fromBeginning: true });
consumer.on(consumer.events.GROUP_JOIN, () => tell({ event: "ready" }));
await consumer.run(
  kafkaRun(dedup, {
    eachMessage: async ({ message }, { attempt }) => {
      const id = String(message.headers?.id);
      tell({ event: "started", id, attempt });
      await finish;
      tell({ event: "finished", id });
    },
  }),
);
process.once("SIGTERM", () => void stop());

async function stop(): Promise<void> {
  await consumer.disconnect();
  await dedup.close();
  await redis.quit();
  process.disconnect();
}
