/** The name of our tracer and meter. */
export const SCOPE_NAME = "@onlyonce/otel";
/** The semantic conventions that all names of OpenTelemetry's own below come from. */
export const SCHEMA_URL = "https://opentelemetry.io/schemas/1.45.0";

/** OpenTelemetry's own attributes, as of {@link SCHEMA_URL}. They will move again: nothing but this file spells them. */
export const SEMCONV = {
  system: "messaging.system.name",
  destination: "messaging.destination.name",
  operationName: "messaging.operation.name",
  operationType: "messaging.operation.type",
  group: "messaging.consumer.group.name",
  partition: "messaging.destination.partition.id",
  messageId: "messaging.message.id",
  kafkaOffset: "kafka.offset",
  kafkaKey: "kafka.message.key",
  deliveryTag: "rabbitmq.message.delivery_tag",
  routingKey: "rabbitmq.destination.routing_key",
  database: "db.system.name",
  errorType: "error.type",
} as const;

/** Our own attributes: no convention knows idempotency. */
export const ATTRIBUTE = {
  outcome: "idempotency.outcome",
  detail: "idempotency.outcome.detail",
  claimResult: "idempotency.claim.result",
  attempt: "idempotency.attempt",
  keyHash: "idempotency.key.hash",
  key: "idempotency.key",
  kind: "idempotency.duplicate.kind",
  age: "idempotency.duplicate.age",
  originalTraceId: "idempotency.original.trace_id",
  originalSpanId: "idempotency.original.span_id",
  originalSampled: "idempotency.original.sampled",
  replayed: "idempotency.result.replayed",
  waited: "idempotency.wait.duration",
  redelivered: "idempotency.message.redelivered",
  deliveryCount: "idempotency.message.delivery_count",
  linkType: "idempotency.link.type",
  storeOperation: "idempotency.store.operation",
  lossReason: "idempotency.claim.loss.reason",
  held: "idempotency.claim.held",
} as const;

export const EVENT = {
  claimLost: "idempotency.claim.lost",
  storeError: "idempotency.store.error",
} as const;

/** What an attribute may be: the least that API 1.9 and 1.10 agree on. */
type AttributeValue = string | number | boolean;
export type SpanAttributes = Record<string, AttributeValue>;
