import type { Settler } from "./attendant.js";
import { explainChannelError } from "./channel-error.js";
import type { AmqpMessage } from "./delivery.js";
import type { ConsumeSettings } from "./options.js";
import { warn } from "./warning.js";
import { WriteBatch } from "./write-batch.js";

/** The part of an amqplib channel (promise API) that we use. */
export interface AmqpChannel {
  consume(
    queue: string,
    onMessage: (message: AmqpMessage | null) => void,
    options?: ConsumeSettings,
  ): PromiseLike<{ readonly consumerTag: string }>;
  cancel(consumerTag: string): PromiseLike<unknown>;
  prefetch(count: number): PromiseLike<unknown>;
  ack(message: AmqpMessage): void;
  nack(message: AmqpMessage, allUpTo?: boolean, requeue?: boolean): void;
  once(event: string, listener: (error?: unknown) => void): unknown;
  /** Used for channels that a function made for us. */
  close?(): PromiseLike<unknown>;
}

/** The message type of a channel: what its consumers receive. */
export type MessageOf<Channel extends AmqpChannel> = NonNullable<
  Parameters<Parameters<Channel["consume"]>[1]>[0]
>;

/** One wrapper per channel, however many consumers it has: they share its listeners. */
const captured = new WeakMap<AmqpChannel, CapturedChannel>();

/**
 * The channel that deliveries came on, and the only one on which they are ever settled: tags start again at 1 on every
 * channel, so a late ack on another one would ack somebody else's message.
 */
export class CapturedChannel implements Settler {
  readonly #channel: AmqpChannel;
  readonly #batch: WriteBatch;
  readonly #closeListeners = new Set<() => void>();
  #closed = false;

  private constructor(channel: AmqpChannel) {
    this.#channel = channel;
    this.#batch = new WriteBatch(channel);
    channel.once("close", () => {
      this.#closed = true;
      for (const listener of this.#closeListeners) listener();
      this.#closeListeners.clear();
    });
    // A channel without an error listener takes its whole connection down, so there is one; then it must speak. What
    // goes wrong before a consumer runs is told by the call that failed.
    channel.once("error", (error) => {
      if (this.#closeListeners.size === 0) return;
      const { code, message } = explainChannelError(error);
      warn(code, message);
    });
  }

  static of(channel: AmqpChannel): CapturedChannel {
    let capture = captured.get(channel);
    if (capture === undefined) {
      capture = new CapturedChannel(channel);
      captured.set(channel, capture);
    }
    return capture;
  }

  /** Calls `listener` once, when the channel is closed by anyone; at once if it is. Returns the unsubscriber. */
  onClose(listener: () => void): () => void {
    if (this.#closed) {
      listener();
      return () => undefined;
    }
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  /**
   * Starts a consumer of its own prefetch. RabbitMQ applies a prefetch to the consumers that follow it, so nothing may
   * come between the two requests.
   */
  async consume(
    queue: string,
    prefetch: number,
    onMessage: (message: AmqpMessage | null) => void,
    settings: ConsumeSettings,
  ): Promise<string> {
    const [, { consumerTag }] = await Promise.all([
      this.#channel.prefetch(prefetch),
      this.#channel.consume(queue, onMessage, settings),
    ]);
    return consumerTag;
  }

  /**
   * Stops deliveries. Resolves when the broker has done so and, because it works through a channel in order, has seen
   * every ack before. Asking twice is fine. Never rejects: a closed channel delivers nothing either.
   */
  async cancel(consumerTag: string): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#channel.cancel(consumerTag);
    } catch {
      // The channel is closing or closed.
    }
  }

  ack(message: AmqpMessage): void {
    this.#settle(() => this.#channel.ack(message));
  }

  /** Hands the message back to its queue. */
  requeue(message: AmqpMessage): void {
    this.#settle(() => this.#channel.nack(message, false, true));
  }

  /** Hands the message to the dead-letter exchange of its queue; without one, the broker deletes it. */
  reject(message: AmqpMessage): void {
    this.#settle(() => this.#channel.nack(message, false, false));
  }

  #settle(send: () => void): void {
    if (this.#closed) return;
    try {
      send();
      this.#batch.sent();
    } catch {
      // The channel is closing: the broker will deliver the message again, and a finished one is dropped as duplicate.
    }
  }
}
