import type { Delivery, Transport } from "@onlyonce/core/adapter";
import { deathCount, deliveryCount } from "./delivery-count.js";
import { retriesOf } from "./message-copy.js";

/** The part of an AMQP message that we read. What amqplib delivers fits. */
export interface AmqpMessage {
  readonly content: Uint8Array;
  readonly fields: {
    readonly deliveryTag: number;
    readonly redelivered: boolean;
    readonly exchange?: unknown;
    readonly routingKey?: unknown;
  };
  readonly properties: AmqpProperties;
}

export interface AmqpProperties {
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly messageId?: unknown;
  readonly contentType?: unknown;
  readonly contentEncoding?: unknown;
  readonly correlationId?: unknown;
  readonly replyTo?: unknown;
  readonly type?: unknown;
  readonly appId?: unknown;
  readonly timestamp?: unknown;
}

/** AMQP properties that key strategies may look for, under the names the AMQP specification gives them. */
const PROPERTY_HEADERS = [
  ["content-type", "contentType"],
  ["content-encoding", "contentEncoding"],
  ["correlation-id", "correlationId"],
  ["type", "type"],
  ["app-id", "appId"],
] as const satisfies readonly (readonly [string, keyof AmqpProperties])[];

/**
 * An AMQP message as a delivery. A delivery names its exchange and routing key but not its queue, so the queue is told.
 * `messageId` may be of any type on the wire: only a non-empty string is an id. `topic` is the identity under which the
 * message is guarded, if that is not the queue's own name.
 */
export function toDelivery(queue: string, message: AmqpMessage, topic: string = queue): Delivery {
  const { properties } = message;
  const { messageId } = properties;
  const coordinates = streamCoordinates(queue, properties);
  return {
    topic,
    ...(typeof messageId === "string" && messageId !== "" ? { id: messageId } : {}),
    payload: message.content,
    headers: toHeaders(properties),
    ...(coordinates === undefined ? {} : { coordinates }),
    redelivered: message.fields.redelivered || cameBack(queue, properties),
    transport: transportOf(queue, message),
  };
}

/** What rested outside of its queue is new to the broker when it comes back, and yet it was delivered before. */
function cameBack(queue: string, { headers }: AmqpProperties): boolean {
  return retriesOf(headers) > 0 || deathCount(headers, queue) > 0;
}

function transportOf(queue: string, { fields, properties }: AmqpMessage): Transport {
  const { deliveryTag, exchange, routingKey } = fields;
  const count = deliveryCount(properties.headers);
  return {
    system: "rabbitmq",
    destination: queue,
    deliveryTag,
    ...(typeof exchange === "string" && { exchange }),
    ...(typeof routingKey === "string" && { routingKey }),
    ...(count > 0 && { deliveryCount: count }),
  };
}

/** Whether the message came from a stream: those are never handed back or dead-lettered by the broker. */
export function isFromStream(message: AmqpMessage): boolean {
  return streamOffset(message.properties) !== undefined;
}

function streamOffset({ headers }: AmqpProperties): string | undefined {
  if (headers === undefined || !Object.hasOwn(headers, "x-stream-offset")) return undefined;
  const offset = headers["x-stream-offset"];
  return typeof offset === "number" || typeof offset === "bigint" ? String(offset) : undefined;
}

/**
 * Only a stream keeps a message at a stable place. The producer's timestamp, where there is one, keeps a re-created
 * stream, whose offsets start again, from being taken for the old one.
 */
function streamCoordinates(queue: string, properties: AmqpProperties): string | undefined {
  const offset = streamOffset(properties);
  if (offset === undefined) return undefined;
  const { timestamp } = properties;
  return typeof timestamp === "number" ? `${queue}@${offset}/${timestamp}` : `${queue}@${offset}`;
}

/** The message's own headers win over a property of the same name. */
function toHeaders(properties: AmqpProperties): Readonly<Record<string, unknown>> {
  const own = properties.headers ?? {};
  let headers: Record<string, unknown> | undefined;
  for (const [name, property] of PROPERTY_HEADERS) {
    const value = properties[property];
    if (typeof value !== "string" || Object.hasOwn(own, name)) continue;
    headers ??= { ...own };
    headers[name] = value;
  }
  return headers ?? own;
}
