import { createDeduplicator, memoryStore } from "@onlyonce/core";
import {
  deadLetterTo,
  type GuardedRun,
  type KafkaMessage,
  type KafkaRecord,
  type KafkaRunOptions,
  kafkaRun,
} from "@onlyonce/kafka";
import { type ConsumerRunConfig, type EachMessagePayload, Kafka } from "kafkajs";
import { type Equal, expectTrue } from "./equal.js";

const dedup = createDeduplicator({
  store: memoryStore(),
  scope: "shipping",
  topics: { orders: {} },
});
const consumer = new Kafka({ brokers: ["localhost:9092"] }).consumer({ groupId: "shipping" });

await consumer.run(
  kafkaRun(dedup, {
    partitionsConsumedConcurrently: 3,
    eachMessage: async (payload, context) => {
      expectTrue<Equal<typeof payload, KafkaMessage>>();
      expectTrue<Equal<typeof payload.message, KafkaRecord>>();
      const { topic, partition, message, heartbeat, pause } = payload;
      expectTrue<Equal<typeof message.value, Buffer | string | null>>();
      void [topic, partition, message.headers?.trace, heartbeat, pause, context.signal];
    },
  }),
);

// A handler that was written for kafkajs, and a config that is kept in a variable.
const shipped: EachMessagePayload[] = [];
const options: KafkaRunOptions = {
  groupId: "shipping",
  onFailure: "rethrow",
  retryDelayMs: (attempt) => 100 * attempt,
  deadLetter: async (message, { error, attempt }) => void [message.topic, error, attempt],
};
const producer = new Kafka({ brokers: ["localhost:9092"] }).producer();
const sending: KafkaRunOptions = { deadLetter: deadLetterTo(producer, "orders.dead") };
const config = kafkaRun(
  dedup,
  {
    autoCommitThreshold: 100,
    eachMessage: async ({ message }, { attempt, idempotencyKey }) =>
      void [message, attempt, idempotencyKey],
  },
  options,
);
const asRun: ConsumerRunConfig = config;
const guarded: GuardedRun = config;
await consumer.run(asRun);
void [shipped, sending, guarded, config.autoCommitThreshold];

// What must not compile.
// @ts-expect-error a handler is required
kafkaRun(dedup, {});
// @ts-expect-error without commits every message would come back
kafkaRun(dedup, { autoCommit: false, eachMessage: async () => undefined });
// @ts-expect-error kafkaRun makes eachBatch
kafkaRun(dedup, { eachMessage: async () => undefined, eachBatch: async () => undefined });
// @ts-expect-error an unknown option
kafkaRun(dedup, { eachMessage: async () => undefined }, { retries: 3 });
// @ts-expect-error neither of the two
kafkaRun(dedup, { eachMessage: async () => undefined }, { onFailure: "stop" });
// @ts-expect-error eachMessage is replaced
void config.eachMessage;
