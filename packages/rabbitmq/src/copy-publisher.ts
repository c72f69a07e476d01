import { setTimeout as delay } from "node:timers/promises";
import type { AmqpMessage } from "./delivery.js";
import { copyOf } from "./message-copy.js";
import { textOf } from "./warning.js";

/** The part of an amqplib confirm channel that publishing a copy needs. */
export interface ConfirmingChannel {
  publish(
    exchange: string,
    routingKey: string,
    content: Buffer,
    options: object,
    confirmed: (error: unknown) => void,
  ): unknown;
  on(event: string, listener: (returned: AmqpMessage) => void): unknown;
  once(event: string, listener: (error?: unknown) => void): unknown;
  waitForConfirms(): PromiseLike<unknown>;
}

/** A broker that confirms nothing for so long is taken to have refused. If it confirms later, there is a duplicate. */
const LONGEST_CONFIRM_MS = 30_000;

/** Marks one publication, so that a copy which came back unroutable is known again. */
const COPY = "x-onlyonce-copy";

/** The exchange is not there. The broker has closed the channel because of that. */
export class MissingExchangeError extends Error {
  override readonly name = "MissingExchangeError";
}

/** One per channel, however many consumers it has. */
const publishers = new WeakMap<ConfirmingChannel, CopyPublisher>();

/** Publishes messages again, and says when the broker has them. */
export class CopyPublisher {
  readonly #channel: ConfirmingChannel;
  /** Publications that are not confirmed yet: the broker returns what it can't route before it confirms it. */
  readonly #returned = new Map<number, boolean>();
  #published = 0;
  #closedBy: unknown;

  private constructor(channel: ConfirmingChannel) {
    this.#channel = channel;
    channel.on("return", ({ properties }) => {
      const copy = properties.headers?.[COPY];
      if (typeof copy === "number" && this.#returned.has(copy)) this.#returned.set(copy, true);
    });
    channel.once("error", (error) => {
      this.#closedBy = error;
    });
  }

  static of(channel: ConfirmingChannel): CopyPublisher {
    let publisher = publishers.get(channel);
    if (publisher === undefined) {
      publisher = new CopyPublisher(channel);
      publishers.set(channel, publisher);
    }
    return publisher;
  }

  /**
   * Resolves when the broker has a durable copy on at least one queue. Rejects in bounded time, with a
   * {@link MissingExchangeError} where that is the reason.
   */
  async publish(message: AmqpMessage, exchange: string, routingKey: string): Promise<void> {
    const over = new AbortController();
    const late = delay(LONGEST_CONFIRM_MS, undefined, { signal: over.signal, ref: false }).then(
      () => {
        throw new Error(`the broker did not confirm within ${LONGEST_CONFIRM_MS} ms`);
      },
      () => undefined,
    );
    this.#published += 1;
    const copy = this.#published;
    this.#returned.set(copy, false);
    try {
      await Promise.race([this.#confirmed(message, exchange, routingKey, copy), late]);
      if (this.#returned.get(copy) !== false) {
        throw new Error(`exchange ${exchange} has no route for ${JSON.stringify(routingKey)}`);
      }
    } catch (error) {
      if (!textOf(this.#closedBy).includes(`no exchange '${exchange}'`)) throw error;
      throw new MissingExchangeError(textOf(this.#closedBy), { cause: error });
    } finally {
      this.#returned.delete(copy);
      over.abort();
    }
  }

  #confirmed(
    message: AmqpMessage,
    exchange: string,
    routingKey: string,
    copy: number,
  ): Promise<void> {
    const { content, properties } = copyOf(message);
    const headers = { ...properties.headers, [COPY]: copy };
    return new Promise((resolve, reject) => {
      const options = { ...properties, headers, mandatory: true };
      this.#channel.publish(exchange, routingKey, content, options, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error instanceof Error ? error : new Error("the broker refused it"));
      });
    });
  }
}
