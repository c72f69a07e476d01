import type { Arrival, Delivery } from "@onlyonce/core";
import { keyHash } from "@onlyonce/core/internal";
import { fullDestination } from "./destination.js";
import { ATTRIBUTE, SEMCONV, type SpanAttributes } from "./names.js";

/** What a span of ours knows of a delivery before its claim. */
export function startAttributes(
  delivery: Delivery,
  destination: string,
  isConsumer: boolean,
): SpanAttributes {
  const { transport, consumerGroup, id, offset, redelivered } = delivery;
  const attributes: SpanAttributes = {
    [SEMCONV.destination]: isConsumer ? fullDestination(delivery, destination) : destination,
  };
  if (isConsumer) {
    attributes[SEMCONV.operationName] = "process";
    attributes[SEMCONV.operationType] = "process";
  }
  if (consumerGroup !== undefined) attributes[SEMCONV.group] = consumerGroup;
  if (id !== undefined) attributes[SEMCONV.messageId] = id;
  if (redelivered !== undefined) attributes[ATTRIBUTE.redelivered] = redelivered;
  if (transport === undefined) return attributes;
  const { system, partition, deliveryTag, routingKey, deliveryCount } = transport;
  attributes[SEMCONV.system] = system;
  if (partition !== undefined) attributes[SEMCONV.partition] = String(partition);
  if (deliveryCount !== undefined) attributes[ATTRIBUTE.deliveryCount] = deliveryCount;
  if (system === "kafka" && offset !== undefined && Number.isSafeInteger(Number(offset))) {
    attributes[SEMCONV.kafkaOffset] = Number(offset);
  }
  if (isConsumer && deliveryTag !== undefined) attributes[SEMCONV.deliveryTag] = deliveryTag;
  if (isConsumer && routingKey !== undefined) attributes[SEMCONV.routingKey] = routingKey;
  return attributes;
}

/** What is only worked out for a span that records. */
export function keyAttributes(
  { key, messageKey, delivery }: Arrival,
  recordKey: "hash" | "raw" | false,
  isConsumer: boolean,
): SpanAttributes {
  if (recordKey === false) return {};
  if (recordKey === "hash") return key === undefined ? {} : { [ATTRIBUTE.keyHash]: keyHash(key) };
  const attributes: SpanAttributes = {};
  if (messageKey !== undefined) attributes[ATTRIBUTE.key] = shown(messageKey);
  if (isConsumer && delivery.recordKey !== undefined) {
    attributes[SEMCONV.kafkaKey] = shown(delivery.recordKey);
  }
  return attributes;
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return JSON.stringify(value);
}
