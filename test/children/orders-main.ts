// A guarded Kafka consumer in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { coordinates, createDeduplicator, header, type TopicPolicy } from "@onlyonce/core";
import { kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { type CrashPoint, crashingStore } from "./crash-point.js";
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
  /** Handlers end when the test says "finish", not by themselves. */
  readonly holds: boolean;
  /** How long a handler takes at least. @defaultValue 0 */
  readonly handlerMs?: number;
  /** Every handler rejects. @defaultValue false */
  readonly fails?: boolean;
  /** What a message is known by. @defaultValue "id": the header of that name */
  readonly key?: "id" | "coordinates";
  /** The process kills itself there. @defaultValue nowhere */
  readonly crashesWhen?: CrashPoint;
  /** How long a partition rests after a failure. @defaultValue the adapter's */
  readonly retryDelayMs?: number;
  /** How long the process lives on after its consumer has disconnected. @defaultValue 0 */
  readonly lingerMs?: number;
}

endWithParent();
const given = settings<OrdersSettings>();
const { handlerMs = 0, fails = false, key = "id", crashesWhen, retryDelayMs, lingerMs = 0 } = given;
const redis = new Redis(given.redisUrl);
const store = redisStore(redis, { prefix: given.prefix, commandTimeoutMs: 150 });
const dedup = createDeduplicator({
  store: crashesWhen === undefined ? store : crashingStore(store, crashesWhen),
  scope: given.groupId,
  defaults: { ...given.policy, key: key === "id" ? header("id") : coordinates() },
  observers: [tellingObserver],
});
const kafka = new Kafka({ brokers: [...given.brokers], logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({
  groupId: given.groupId,
  sessionTimeout: given.sessionTimeoutMs,
  heartbeatInterval: Math.floor(given.sessionTimeoutMs / 3),
  maxWaitTimeInMs: given.maxWaitTimeInMs,
  metadataMaxAge: 2_000,
});
const finish = given.holds ? heard("finish") : Promise.resolve();
await consumer.connect();
await consumer.subscribe({ topics: [given.topic], fromBeginning: true });
consumer.on(consumer.events.GROUP_JOIN, () => tell({ event: "ready" }));
consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
  tell({ event: "crashed", outcome: `${error.name}, ${restart ? "restarts" : "stopped"}` });
});
await consumer.run(
  kafkaRun(
    dedup,
    {
      eachMessage: async ({ message, partition }, { attempt }) => {
        const id = String(message.headers?.id);
        tell({ event: "started", id, attempt, partition });
        await finish;
        if (handlerMs > 0) await delay(handlerMs);
        if (fails) throw new Error(`${id} cannot be shipped`);
        tell({ event: "finished", id, partition });
      },
    },
    retryDelayMs === undefined ? {} : { retryDelayMs: () => retryDelayMs },
  ),
);
process.once("SIGTERM", () => void stop());

async function stop(): Promise<void> {
  await consumer.disconnect();
  tell({ event: "stopped" });
  await delay(lingerMs);
  await dedup.close();
  await redis.quit();
  process.disconnect();
}
