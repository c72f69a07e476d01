import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Attendant, type AttendantParts } from "./attendant.js";
import type { CapturedChannel } from "./channel.js";
import type { AmqpMessage } from "./delivery.js";
import { InFlight } from "./in-flight.js";
import { type ResolvedOptions, resolveDrainMs } from "./options.js";
import { textOf, warn } from "./warning.js";

/** A running consumer. Close it before its channel, the deduplicator and Redis, in this order. */
export interface RabbitConsumer {
  /** Of the channel that it consumes on now. */
  readonly consumerTag: string;
  /**
   * Stops deliveries, lets running handlers finish, be recorded and acked for up to `drainMs` (default 30,000, 0 to
   * 2,147,483,647), and resolves once the broker has seen those acks. Messages that wait, for a busy key or out a
   * back-off, stay unsettled: the broker puts them back when the channel closes, which is up to the caller.
   * Handlers that outlive `drainMs` go on and are acked if the channel is still open. A channel that a function made
   * for the consumer is closed at the end. Twice is fine.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface QueueConsumerParts extends Omit<AttendantParts, "stop"> {
  readonly channel: CapturedChannel;
  /** Somebody consumes again when this consumer has ended: its channel was lost, or the broker cancelled it. */
  readonly onEnd?: () => void;
}

/** The consumer of one queue on one channel. */
export class QueueConsumer implements RabbitConsumer {
  readonly #queue: string;
  readonly #channel: CapturedChannel;
  readonly #onCancel: ResolvedOptions["onCancel"];
  readonly #onEnd: (() => void) | undefined;
  readonly #attendant: Attendant;
  readonly #stop = new AbortController();
  readonly #inFlight = new InFlight();
  #consumerTag = "";
  #forget: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  private constructor(parts: QueueConsumerParts) {
    this.#queue = parts.queue;
    this.#channel = parts.channel;
    this.#onCancel = parts.options.onCancel;
    this.#onEnd = parts.onEnd;
    // Every waiting delivery listens, up to the prefetch.
    setMaxListeners(0, this.#stop.signal);
    this.#attendant = new Attendant({ ...parts, stop: this.#stop.signal });
  }

  /** Rejects as the channel does: no such queue, closed channel. */
  static async start(parts: QueueConsumerParts): Promise<QueueConsumer> {
    const consumer = new QueueConsumer(parts);
    await consumer.#start(parts);
    return consumer;
  }

  get consumerTag(): string {
    return this.#consumerTag;
  }

  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    const drainMs = resolveDrainMs(options);
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves when no message that it took is in its hands any more. */
  idle(): Promise<void> {
    return this.#inFlight.none();
  }

  async #start({ options }: QueueConsumerParts): Promise<void> {
    const { prefetch, consume } = options;
    const onMessage = this.#onMessage;
    this.#consumerTag = await this.#channel.consume(this.#queue, prefetch, onMessage, consume);
    this.#forget = this.#channel.onClose(() => {
      this.#stop.abort();
      this.#onEnd?.();
    });
  }

  /** What the channel calls. An exception here would close the channel, and a rejection end the process: there are none. */
  readonly #onMessage = (message: AmqpMessage | null): void => {
    if (message === null) {
      this.#cancelled();
      return;
    }
    // A message that arrives while closing stays unsettled: the broker puts it back when the channel closes.
    if (this.#stop.signal.aborted) return;
    void this.#take(message);
  };

  async #take(message: AmqpMessage): Promise<void> {
    this.#inFlight.enter();
    try {
      await this.#attendant.take(message);
    } catch (error) {
      warn("ONLYONCE_AMQP_UNEXPECTED", `A message stays unsettled: ${textOf(error)}`);
    } finally {
      this.#inFlight.leave();
    }
  }

  #cancelled(): void {
    this.#onEnd?.();
    if (this.#onCancel === undefined) {
      if (this.#onEnd !== undefined) return;
      warn(
        "ONLYONCE_AMQP_CONSUMER_CANCELLED",
        `RabbitMQ cancelled the consumer of ${JSON.stringify(this.#queue)}: the queue was deleted or has moved. Nothing is consumed from it any more; consume again in the option onCancel, or give rabbitConsume a function that makes channels`,
      );
      return;
    }
    // Whatever it does, it must not end the process.
    const call = async (): Promise<void> => this.#onCancel?.();
    call().catch((error: unknown) => {
      warn("ONLYONCE_AMQP_CALLBACK", `onCancel failed: ${textOf(error)}`);
    });
  }

  async #close(drainMs: number): Promise<void> {
    this.#stop.abort();
    const drained = new AbortController();
    const limit = delay(drainMs, undefined, { signal: drained.signal, ref: false });
    await Promise.race([this.#drain(), limit.catch(() => undefined)]);
    drained.abort();
    this.#forget?.();
  }

  async #drain(): Promise<void> {
    await this.#channel.cancel(this.#consumerTag);
    await this.#inFlight.none();
    // An ack that was sent is not an ack that arrived. The broker works through a channel in order: when it has
    // answered another request, it has seen them all.
    await this.#channel.cancel(this.#consumerTag);
  }
}
