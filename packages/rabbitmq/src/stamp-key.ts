import type { KeyStrategy } from "@onlyonce/core";
import { createKeyDigest, quote, requireFunction } from "@onlyonce/core/internal";

/** The part of an amqplib channel that publishes. */
export interface PublishingChannel {
  publish(
    exchange: string,
    routingKey: string,
    content: Uint8Array,
    options?: object,
    ...confirmed: never[]
  ): unknown;
  sendToQueue(queue: string, content: Uint8Array, options?: object, ...confirmed: never[]): unknown;
}

interface Properties {
  readonly messageId?: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
}

type Publish = (
  exchange: string,
  routingKey: string,
  content: Uint8Array,
  options?: Properties,
  ...confirmed: unknown[]
) => unknown;

/**
 * `publish` and `sendToQueue` of `channel`, with a `messageId` that follows from the message: a message that is published
 * again, because its confirm was lost or the process died, carries the same id, and its consumers drop it. The strategy
 * sees exchange and routing key as topic, body and headers; the id is a digest of these names and its key, so that two
 * kinds of message about one order are not taken for the same. A `messageId` of your own is kept.
 *
 * Throws where the strategy finds no key, before anything is sent: without an id a repeated message is a new one.
 */
export function stampKey<Channel extends PublishingChannel>(
  channel: Channel,
  strategy: KeyStrategy,
): Pick<Channel, "publish" | "sendToQueue"> {
  requirePublishing(channel);
  requireFunction("strategy", strategy);
  // What is passed on is the caller's own: content, further options and the confirm callback.
  const send = channel.publish.bind(channel) as unknown as Publish;
  const publish: Publish = (exchange, routingKey, content, options = {}, ...confirmed) => {
    const messageId = options.messageId ?? idOf(strategy, exchange, routingKey, content, options);
    return send(exchange, routingKey, content, { ...options, messageId }, ...confirmed);
  };
  const stamped = {
    publish,
    sendToQueue: (queue: string, content: Uint8Array, options?: Properties, ...rest: unknown[]) =>
      publish("", queue, content, options, ...rest),
  };
  return stamped as unknown as Pick<Channel, "publish" | "sendToQueue">;
}

function idOf(
  strategy: KeyStrategy,
  exchange: string,
  routingKey: string,
  payload: Uint8Array,
  { headers = {} }: Properties,
): string {
  const key = strategy({ topic: exchange === "" ? routingKey : exchange, payload, headers });
  const id = createKeyDigest(exchange, routingKey)(key);
  if (id === undefined) {
    throw new TypeError(
      `the key strategy found no key in a message for exchange ${quote(exchange)} and routing key ${quote(routingKey)}: it was not published`,
    );
  }
  return id;
}

function requirePublishing(channel: unknown): void {
  for (const method of ["publish", "sendToQueue"]) {
    const isThere = typeof channel === "object" && channel !== null;
    if (!isThere || typeof Reflect.get(channel, method) !== "function") {
      throw new TypeError(`channel must be an amqplib channel with the method ${method}`);
    }
  }
}
