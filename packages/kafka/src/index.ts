export type { GuardedRunConfig, KafkaRunOptions } from "./options.js";
export type { KafkaBatch, KafkaMessage } from "./payload.js";
export type { KafkaHeader, KafkaRecord } from "./record.js";
export { type GuardedRun, kafkaRun } from "./run-config.js";
