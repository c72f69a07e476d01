// Compiled against the published types of @confluentinc/kafka-javascript, by a test.

// @boundaries-ignore built on demand into the private cache, and compiled against only there
import type { KafkaJS } from "@confluentinc/kafka-javascript";
import { createDeduplicator, jsonField, memoryStore } from "@onlyonce/core";
import {
  deadLetterTo,
  type KafkaBatch,
  type KafkaMessage,
  type KafkaRunOptions,
  kafkaRun,
  stampKey,
} from "@onlyonce/kafka";

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

// So does a handler of many records, and what is left of the client's own options.
export const batches: RunConfig = kafkaRun(deduplicator, {
  partitionsConsumedConcurrently: 3,
  eachBatch: async ({ records }) => records[0]?.fail(new Error("refused")),
});

// Its producer takes stamped keys and dead letters.
type Producer = ReturnType<KafkaJS.Kafka["producer"]>;
export async function produce(producer: Producer): Promise<KafkaRunOptions> {
  const stamped: Producer = stampKey(producer, jsonField("/id"));
  await stamped.send({ topic: "payments", messages: [{ value: "{}" }] });
  return { deadLetter: deadLetterTo(producer, (topic) => `${topic}.dead`) };
}

// What the client hands over fits without a cast.
export function batch(payload: Parameters<EachBatch>[0]): KafkaBatch {
  return payload;
}
export function message(payload: Parameters<EachMessage>[0]): KafkaMessage {
  return payload;
}
