import type { Codec } from "@onlyonce/core";
import type { Verdict } from "@onlyonce/core/adapter";
import { quote, requireFunction, requireInteger, requireObject } from "@onlyonce/core/internal";
import type { AmqpMessage } from "./delivery.js";
import { textOf, warn } from "./warning.js";

/** The part of an amqplib channel that replies. */
export interface ReplyingChannel {
  publish(exchange: string, routingKey: string, content: Buffer, options: object): unknown;
}

/** Answers requests: the first one with what the handler resolved with, its duplicates with what was stored of that. */
export class Replies {
  readonly #channel: ReplyingChannel;
  readonly #codec: Codec<unknown>;
  #hasWarned = false;

  constructor(channel: ReplyingChannel, codec: Codec<unknown>) {
    this.#channel = channel;
    this.#codec = codec;
  }

  /** What is stored for duplicates. Throws for a result that is too large. */
  readonly encode = (value: unknown): Uint8Array => {
    const bytes = this.#codec.encode(value);
    if (bytes.length <= this.#codec.maxBytes) return bytes;
    throw new RangeError(
      `a result of ${bytes.length} bytes is larger than the codec's maxBytes (${this.#codec.maxBytes})`,
    );
  };

  /**
   * To be called right before the ack: the broker works through a channel in order, so a request whose reply it never
   * got is delivered again, as a duplicate, and answered then. Never throws.
   */
  send(message: AmqpMessage, verdict: Verdict): void {
    const { replyTo, correlationId } = message.properties;
    if (typeof replyTo !== "string" || replyTo === "") return;
    try {
      const reply = this.#replyOf(verdict);
      if (reply === undefined) return;
      const content = Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength);
      this.#channel.publish("", replyTo, content, { correlationId });
    } catch (error) {
      this.#warnOnce(textOf(error));
    }
  }

  #replyOf(verdict: Verdict): Uint8Array | undefined {
    if (verdict.result !== undefined) return verdict.result;
    if ("value" in verdict) return this.#codec.encode(verdict.value);
    if (verdict.outcome === "duplicate") this.#warnOnce("no result was stored for a duplicate");
    return undefined;
  }

  #warnOnce(why: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    warn(
      "ONLYONCE_AMQP_REPLY",
      `A request is acked without a reply: ${why}. Said once per consumer`,
    );
  }
}

/** Throws a TypeError or RangeError that names what is wrong. */
export function checkCodec(name: string, codec: unknown): void {
  requireObject(name, codec);
  requireFunction(`${name}.encode`, codec.encode);
  requireFunction(`${name}.decode`, codec.decode);
  requireInteger(`${name}.maxBytes`, codec.maxBytes, 1, Number.MAX_SAFE_INTEGER);
}

export function replying(channel: object): ReplyingChannel {
  if (typeof Reflect.get(channel, "publish") !== "function") {
    throw new TypeError(
      `options.replay needs a channel with the method publish, got ${quote(channel)}`,
    );
  }
  return channel as ReplyingChannel;
}
