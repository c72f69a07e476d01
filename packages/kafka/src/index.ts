export { type DeadLetterProducer, deadLetterTo } from "./dead-letter.js";
export type {
  EachBatchConfig,
  EachMessageConfig,
  GuardedRunConfig,
  KafkaRunOptions,
} from "./options.js";
export type { FreshRecord, KafkaBatch, KafkaMessage, KafkaRecords } from "./payload.js";
export type { KafkaHeader, KafkaRecord } from "./record.js";
export { type GuardedRun, kafkaRun } from "./run-config.js";
export { type OutgoingRecord, type StampableProducer, stampKey } from "./stamp-key.js";
