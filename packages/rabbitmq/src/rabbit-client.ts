import type { AmqpMessage } from "./delivery.js";

/** The part of a message of rabbitmq-client that we read: flat, with a body that is parsed where it says that it is JSON. */
export interface RabbitClientMessage {
  readonly body: unknown;
  readonly consumerTag: string;
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  readonly exchange?: unknown;
  readonly routingKey?: unknown;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly messageId?: unknown;
}

/** What the callback of a consumer answers: ack, hand back, or hand to the dead-letter exchange (`ConsumerStatus`). */
export type RabbitClientStatus = 0 | 1 | 2;

export interface RabbitClientConsumer {
  /** Empty while the client has no channel for it. */
  readonly consumerTag: string;
  on(event: "ready", listener: () => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  close(): PromiseLike<unknown>;
}

/** The part of a Connection of rabbitmq-client that we use. */
export interface RabbitClientConnection {
  createConsumer(
    props: RabbitClientProps,
    onMessage: (message: RabbitClientMessage) => Promise<RabbitClientStatus>,
  ): RabbitClientConsumer;
}

/** What a consumer is created with. */
export interface RabbitClientProps {
  readonly queue: string;
  readonly qos: { readonly prefetchCount: number };
  readonly concurrency: number;
  readonly requeue: true;
  readonly queueOptions: { readonly passive: true };
}

/** A message of rabbitmq-client in amqplib's shape. */
export interface FlatMessage extends AmqpMessage {
  readonly flat: RabbitClientMessage;
}

export function toFlatMessage(flat: RabbitClientMessage): FlatMessage {
  const { body, deliveryTag, redelivered, exchange, routingKey } = flat;
  return {
    content: body instanceof Uint8Array ? body : new Uint8Array(),
    fields: { deliveryTag, redelivered, exchange, routingKey },
    properties: flat,
    flat,
  };
}
