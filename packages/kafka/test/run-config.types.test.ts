import { type Context, createDeduplicator, memoryStore } from "@onlyonce/core";
import type { Consumer, ConsumerRunConfig, EachBatchPayload, EachMessagePayload } from "kafkajs";
import { expectTypeOf, it } from "vitest";
import { type KafkaBatch, type KafkaMessage, kafkaRun } from "../src/index.js";

const deduplicator = createDeduplicator({
  store: memoryStore(),
  scope: "billing",
  topics: { payments: {} },
});
type Run = Consumer["run"];

it("a guarded run config is what kafkajs takes", () => {
  const run = kafkaRun(deduplicator, {
    eachMessage: async ({ topic, partition, message, heartbeat, pause }, context) => {
      expectTypeOf(topic).toEqualTypeOf<string>();
      expectTypeOf(partition).toEqualTypeOf<number>();
      expectTypeOf(message.offset).toEqualTypeOf<string>();
      expectTypeOf(heartbeat).returns.resolves.toBeVoid();
      expectTypeOf(pause).returns.toEqualTypeOf<() => void>();
      expectTypeOf(context).toEqualTypeOf<Context>();
    },
    partitionsConsumedConcurrently: 3,
  });
  expectTypeOf(run).toExtend<ConsumerRunConfig>();
  expectTypeOf(run.partitionsConsumedConcurrently).toEqualTypeOf<number>();
  expectTypeOf(run).not.toHaveProperty("eachMessage");
  expectTypeOf<Parameters<Run>[0]>().toExtend<ConsumerRunConfig | undefined>();
});

it("a handler written for kafkajs fits as it is", () => {
  const written = async ({ message }: EachMessagePayload): Promise<void> => {
    message.headers?.["idempotency-key"]?.toString();
  };
  expectTypeOf(kafkaRun(deduplicator, { eachMessage: written })).toExtend<ConsumerRunConfig>();
});

it("what kafkajs hands over fits without a cast", () => {
  expectTypeOf<EachBatchPayload>().toExtend<KafkaBatch>();
  expectTypeOf<EachMessagePayload>().toExtend<KafkaMessage>();
});

it("what would lose messages does not compile", () => {
  const eachMessage = async (): Promise<void> => undefined;
  const refused = [
    // @ts-expect-error offsets must be committed by the client
    () => kafkaRun(deduplicator, { eachMessage, autoCommit: false }),
    // @ts-expect-error kafkaRun resolves offsets by itself
    () => kafkaRun(deduplicator, { eachMessage, eachBatchAutoResolve: true }),
    // @ts-expect-error one handler or the other
    () => kafkaRun(deduplicator, { eachMessage, eachBatch: async () => undefined }),
    // @ts-expect-error there is nothing to run
    () => kafkaRun(deduplicator, { partitionsConsumedConcurrently: 3 }),
    // @ts-expect-error unknown adapter option
    () => kafkaRun(deduplicator, { eachMessage }, { deadletter: async () => undefined }),
  ];
  expectTypeOf(refused).items.toBeFunction();
});
