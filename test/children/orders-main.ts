// A guarded Kafka consumer in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { coordinates, createDeduplicator, header, type TopicPolicy } from "@onlyonce/core";
import { type KafkaRunOptions, kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { type CrashPoint, crashingStore } from "./crash-point.js";
import { subscribed } from "./orders-consumer.js";
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
  /** How often the handler of an id rejects before it resolves, in this process. @defaultValue never */
  readonly rejections?: Readonly<Record<string, number>>;
  /** What a message is known by. @defaultValue "id": the header of that name */
  readonly key?: "id" | "coordinates";
  /** The process kills itself there. @defaultValue nowhere */
  readonly crashesWhen?: CrashPoint;
  /** How long a partition rests after a failure. @defaultValue the adapter's */
  readonly retryDelayMs?: number;
  /** How long the process lives on after its consumer has disconnected. @defaultValue 0 */
  readonly lingerMs?: number;
  /** Where `@confluentinc/kafka-javascript` is installed. @defaultValue none: kafkajs is used */
  readonly confluentFolder?: string | undefined;
  /** Of a static member; kafkajs knows none. @defaultValue a dynamic member */
  readonly groupInstanceId?: string;
}

endWithParent();
const given = settings<OrdersSettings>();
const { handlerMs = 0, key = "id", crashesWhen, retryDelayMs, lingerMs = 0 } = given;
const redis = new Redis(given.redisUrl);
const store = redisStore(redis, { prefix: given.prefix, commandTimeoutMs: 150 });
const dedup = createDeduplicator({
  store: crashesWhen === undefined ? store : crashingStore(store, crashesWhen),
  scope: given.groupId,
  defaults: { ...given.policy, key: key === "id" ? header("id") : coordinates() },
  observers: [tellingObserver],
});
const finish = given.holds ? heard("finish") : Promise.resolve();
const rejectionsLeft = new Map(Object.entries(given.rejections ?? {}));
const options: KafkaRunOptions = {
  ...(retryDelayMs !== undefined && { retryDelayMs: () => retryDelayMs }),
  deadLetter: async ({ message }) => {
    tell({ event: "dead_lettered", id: String(message.headers?.id) });
  },
};
const consumer = await subscribed(given);
await consumer.run(
  kafkaRun(
    dedup,
    {
      eachMessage: async ({ message, partition }, { attempt }) => {
        const id = String(message.headers?.id);
        tell({ event: "started", id, attempt, partition });
        await finish;
        if (handlerMs > 0) await delay(handlerMs);
        const left = rejectionsLeft.get(id) ?? 0;
        rejectionsLeft.set(id, left - 1);
        if (left > 0) throw new Error(`${id} cannot be shipped`);
        tell({ event: "finished", id, partition });
      },
    },
    options,
  ),
);
process.once("SIGTERM", () => void stop());

async function stop(): Promise<void> {
  const disconnected = consumer.disconnect();
  tell({ event: "stopping" });
  await disconnected;
  tell({ event: "stopped" });
  await delay(lingerMs);
  await dedup.close();
  await redis.quit();
  process.disconnect();
}
