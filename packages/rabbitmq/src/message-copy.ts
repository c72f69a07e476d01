import type { AmqpMessage } from "./delivery.js";

/** How often a message went through the retry exchange. Attempts are counted in the store, not by this. */
const RETRIES = "x-onlyonce-retries";

/**
 * What a broker wrote, or acts on. A copy that carried it would be routed a second time (`CC`), taken for one that goes
 * in circles and dropped (`x-death`), or thought to be near its delivery limit.
 */
const BROKER_HEADERS =
  /^(?:CC|BCC|x-death|x-(?:first|last)-death-.*|x-delivery-count|x-acquired-count|x-stream-.*)$/;

/** What is published again: the same message, durable, under the same id. */
export interface MessageCopy {
  readonly content: Buffer;
  readonly properties: Readonly<Record<string, unknown>> & {
    readonly headers: Readonly<Record<string, unknown>>;
  };
}

/**
 * Keeps body, messageId and all properties and headers but these: `expiration` (a message that was taken once no longer
 * expires), `userId` (the broker refuses anybody else's) and what the broker itself wrote.
 */
export function copyOf({ content, properties }: AmqpMessage): MessageCopy {
  const own = Object.entries(properties.headers ?? {});
  const headers = {
    ...Object.fromEntries(own.filter(([name]) => !BROKER_HEADERS.test(name))),
    [RETRIES]: retriesOf(properties.headers) + 1,
  };
  const kept = { ...properties, expiration: undefined, userId: undefined, clusterId: undefined };
  return {
    content: Buffer.from(content.buffer, content.byteOffset, content.byteLength),
    properties: { ...kept, headers, deliveryMode: 2 },
  };
}

/** How often a message went through the retry exchange before. */
export function retriesOf(headers: Readonly<Record<string, unknown>> | undefined): number {
  const retries = headers === undefined ? undefined : Reflect.get(headers, RETRIES);
  return typeof retries === "number" && Number.isSafeInteger(retries) && retries > 0 ? retries : 0;
}
