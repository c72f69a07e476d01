// Compiled against the published types of @confluentinc/kafka-javascript, by a test.

// @boundaries-ignore built on demand into the private cache, and compiled against only there
import type { KafkaJS } from "@confluentinc/kafka-javascript";
import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { type KafkaBatch, type KafkaMessage, kafkaRun } from "@onlyonce/kafka";

type Consumer = ReturnType<KafkaJS.Kafka["consumer"]>;
type RunConfig = NonNullable<Parameters<Consumer["run"]>[0]>;
type EachBatch = NonNullable<RunConfig["eachBatch"]>;
type EachMessage = NonNullable<RunConfig["eachMessage"]>;

const deduplicator = createDeduplicator({ store: memoryStore(), scope: "billing" });

// A guarded run config is what the client takes.
export function run(consumer: Consumer): Promise<void> {
  return consumer.run(
    kafkaRun(deduplicator, {
      eachMessage: async ({ topic, partition, message, heartbeat }, { attempt }) => {
        await heartbeat();
        const id: string | undefined = message.headers?.["idempotency-key"]?.toString();
        console.log(topic.length, partition + attempt, message.offset.length, id);
      },
      partitionsConsumedConcurrently: 3,
    }),
  );
}

// A handler that was written for the client fits as it is.
const written: EachMessage = async ({ message }) => {
  message.headers?.["idempotency-key"]?.toString();
};
export const fitting: RunConfig = kafkaRun(deduplicator, { eachMessage: written });

// What the client hands over fits without a cast.
export function batch(payload: Parameters<EachBatch>[0]): KafkaBatch {
  return payload;
}
export function message(payload: Parameters<EachMessage>[0]): KafkaMessage {
  return payload;
}
