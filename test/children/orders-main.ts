// A guarded Kafka consumer in a process of its own.
import { setTimeout as delay } from "node:timers/promises";
import { coordinates, createDeduplicator, header, type TopicPolicy } from "@onlyonce/core";
import {
  deadLetterTo,
  type EachBatchConfig,
  type EachMessageConfig,
  type KafkaRecord,
  type KafkaRunOptions,
  kafkaRun,
} from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { type CrashPoint, crashingStore } from "./crash-point.js";
import { connectedProducer, subscribed } from "./orders-consumer.js";
import { endWithParent, heard, settings, tell, tellingObserver } from "./parent.js";

export interface OrdersSettings {
  readonly brokers: readonly string[];
  readonly redisUrl: string;
  readonly prefix: string;
  readonly topic: string;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly maxWaitTimeInMs: number;
  /** @defaultValue the client's: 60 s of kafkajs, 300 s of Confluent's, which doubles what it is given */
  readonly rebalanceTimeoutMs?: number;
  readonly policy: TopicPolicy;
  /** Handlers end when the test says "finish", not by themselves. */
  readonly holds: boolean;
  /** How long a handler takes at least. @defaultValue 0 */
  readonly handlerMs?: number;
  /** How often the handler of an id rejects before it resolves, in this process. @defaultValue never */
  readonly rejections?: Readonly<Record<string, number>>;
  /** What the handler rejects with. @defaultValue an Error */
  readonly rejectsWith?: "TypeError";
  /** The handler gets many records at a time; at the first that it rejects it stops, and fails the rest. @defaultValue one at a time */
  readonly handlesBatches?: boolean;
  /** Where dead letters are sent, through a producer of the same client. @defaultValue nowhere: they are only told of */
  readonly deadLetterTopic?: string;
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
const { deadLetterTopic } = given;
const producer = deadLetterTopic === undefined ? undefined : await connectedProducer(given);
const options: KafkaRunOptions = {
  ...(retryDelayMs !== undefined && { retryDelayMs: () => retryDelayMs }),
  deadLetter: async (message, why) => {
    if (producer !== undefined && deadLetterTopic !== undefined) {
      await deadLetterTo(producer, deadLetterTopic)(message, why);
    }
    tell({ event: "dead_lettered", id: idOf(message.message) });
  },
};
const consumer = await subscribed(given);
await consumer.run(
  kafkaRun(dedup, given.handlesBatches === true ? byBatches() : oneByOne(), options),
);
process.once("SIGTERM", () => void stop());

async function stop(): Promise<void> {
  const disconnected = consumer.disconnect();
  tell({ event: "stopping" });
  await disconnected;
  await producer?.disconnect();
  tell({ event: "stopped" });
  await delay(lingerMs);
  await dedup.close();
  await redis.quit();
  process.disconnect();
}

function oneByOne(): EachMessageConfig {
  return {
    eachMessage: ({ message, partition }, { attempt }) => handle(message, partition, attempt),
  };
}

function byBatches(): EachBatchConfig {
  return {
    eachBatch: async ({ records, partition }) => {
      let failure: unknown;
      for (const { message, context, fail } of records) {
        if (failure === undefined) {
          await handle(message, partition, context.attempt).catch((error: unknown) => {
            failure = error;
          });
        }
        if (failure !== undefined) fail(failure);
      }
    },
  };
}

async function handle(message: KafkaRecord, partition: number, attempt: number): Promise<void> {
  const id = idOf(message);
  tell({ event: "started", id, attempt, partition });
  await finish;
  if (handlerMs > 0) await delay(handlerMs);
  const left = rejectionsLeft.get(id) ?? 0;
  rejectionsLeft.set(id, left - 1);
  if (left > 0) {
    const said = `${id} cannot be shipped`;
    throw given.rejectsWith === "TypeError" ? new TypeError(said) : new Error(said);
  }
  tell({ event: "finished", id, partition });
}

/** A record without an id is told of by its value. */
function idOf({ headers, value }: KafkaRecord): string {
  return String(headers?.id ?? value ?? "tombstone");
}
