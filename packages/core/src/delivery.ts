import type { Json } from "./json.js";

/** One arrival of a message at a consumer, in terms no broker owns. */
export interface Delivery<Topic extends string = string> {
  /** Kafka topic or RabbitMQ queue: selects the policy and is part of the key. */
  readonly topic: Topic | (string & {});
  /** The message's own id, where the producer set one. */
  readonly id?: string;
  /** The body: raw bytes, or a JSON value that was parsed already. */
  readonly payload?: Uint8Array | Json;
  /** Values may be strings, bytes, numbers, arrays of these, or missing. */
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Kafka's record key. An entity id, never a message id: no built-in strategy uses it alone. */
  readonly recordKey?: Uint8Array | string;
  /** Where the broker keeps it, if that is stable: Kafka topic, partition, offset and timestamp; a stream offset. */
  readonly coordinates?: string;
  /** The Kafka consumer group it was delivered to. For telemetry only, never part of the key: that is what `scope` is for. */
  readonly consumerGroup?: string;
  /** The broker says that it delivered this message before. Never a reason to skip the check. */
  readonly redelivered?: boolean;
  /** How it came here. For telemetry only. */
  readonly transport?: Transport;
  /** Its offset, in decimal, where the broker counts. For telemetry only. */
  readonly offset?: string;
}

/** How deliveries came here. For telemetry only: never part of the key. Deliveries may share one. */
export interface Transport {
  /** As OpenTelemetry names messaging systems: `kafka`, `rabbitmq`, `aws_sqs`. */
  readonly system: string;
  /** The topic or queue it was read from. Default: the `topic` of the delivery. */
  readonly destination?: string;
  readonly partition?: number;
  /** Several deliveries are worked on under one active span, which says nothing of any one of them. */
  readonly isBatch?: boolean;
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly deliveryTag?: number;
  /** How often the broker had delivered the message before, where it counts. */
  readonly deliveryCount?: number;
}

/** Who did the work: enough to find the span and the log line of the first run. */
export interface Origin {
  /** W3C `traceparent` of the span that held, and then completed, the claim. */
  readonly traceparent?: string;
  /** Where the broker kept the delivery that did the work. */
  readonly coordinates?: string;
  /** Milliseconds since the key was first claimed, by the store's clock. Set in replies only. */
  readonly ageMs?: number;
}
