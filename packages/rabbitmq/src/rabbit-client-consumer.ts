import { setTimeout as delay } from "node:timers/promises";
import { Attendant, type AttendantParts, type Settler } from "./attendant.js";
import { explainChannelError } from "./channel-error.js";
import type { RabbitConsumer } from "./consumer.js";
import type { AmqpMessage } from "./delivery.js";
import { resolveDrainMs } from "./options.js";
import {
  type RabbitClientConsumer,
  type RabbitClientMessage,
  type RabbitClientStatus,
  toFlatMessage,
} from "./rabbit-client.js";
import { textOf, warn } from "./warning.js";

const ACK: RabbitClientStatus = 0;
const REQUEUE: RabbitClientStatus = 1;
const DROP: RabbitClientStatus = 2;

/** How often it is looked whether a channel is still the client's. */
const LOOK_MS = 1_000;

/** What the callback will answer for each message. */
class Statuses implements Settler {
  readonly #statuses = new WeakMap<AmqpMessage, RabbitClientStatus>();

  of(message: AmqpMessage): RabbitClientStatus | undefined {
    return this.#statuses.get(message);
  }

  ack(message: AmqpMessage): void {
    this.#statuses.set(message, ACK);
  }

  requeue(message: AmqpMessage): void {
    this.#statuses.set(message, REQUEUE);
  }

  reject(message: AmqpMessage): void {
    this.#statuses.set(message, DROP);
  }
}

/** What was delivered on one channel of the client. */
interface Life {
  readonly consumerTag: string;
  readonly attendant: Attendant;
  readonly stop: AbortController;
  /** How often in a row it was not the client's current one. */
  misses: number;
}

export type RabbitClientParts = Omit<AttendantParts, "channel" | "stop" | "retry" | "replies">;

/**
 * A consumer of rabbitmq-client, which reconnects and settles by itself, on the channel that delivered, what its callback
 * answers. Before it takes a new channel it awaits all callbacks of the former one, so their waits end with that.
 */
export class GuardedRabbitClient implements RabbitConsumer {
  readonly #parts: RabbitClientParts;
  readonly #statuses = new Statuses();
  readonly #lives = new Map<string, Life>();
  #consumer: RabbitClientConsumer | undefined;
  #looking: NodeJS.Timeout | undefined;
  #hasStarted = false;
  #isStopped = false;
  #closed: Promise<void> | undefined;

  constructor(parts: RabbitClientParts) {
    this.#parts = parts;
  }

  get consumerTag(): string {
    return this.#consumer?.consumerTag ?? "";
  }

  /** Resolves when it consumes. What is wrong from the start is for the caller to see: then it is closed and rejects. */
  async started(consumer: RabbitClientConsumer): Promise<void> {
    this.#consumer = consumer;
    try {
      await new Promise<void>((resolve, reject) => {
        consumer.on("ready", resolve);
        consumer.on("error", (error) => {
          if (this.#hasStarted) this.#tell(error);
          else reject(error instanceof Error ? error : new Error(textOf(error)));
        });
      });
      this.#hasStarted = true;
    } catch (error) {
      await this.close({ drainMs: 0 });
      throw error;
    }
    this.#looking = setInterval(this.#look, LOOK_MS).unref();
  }

  /** The callback of the consumer. Never rejects, and answers only what is settled, or can't be any more. */
  readonly onMessage = async (flat: RabbitClientMessage): Promise<RabbitClientStatus> => {
    if (this.#isStopped) return REQUEUE;
    const { attendant, stop } = this.#lifeOf(flat.consumerTag);
    const message = toFlatMessage(flat);
    try {
      await attendant.take(message);
    } catch (error) {
      warn("ONLYONCE_AMQP_UNEXPECTED", `A message stays unsettled: ${textOf(error)}`);
    }
    // To answer is to settle, and to hand back at once is to spin: what is left to the broker waits for the end.
    if (this.#statuses.of(message) === undefined) await aborted(stop.signal);
    return this.#statuses.of(message) ?? REQUEUE;
  };

  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    const drainMs = resolveDrainMs(options);
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #lifeOf(consumerTag: string): Life {
    let life = this.#lives.get(consumerTag);
    if (life === undefined) {
      const stop = new AbortController();
      const channel = this.#statuses;
      const ends = { channel, stop: stop.signal, retry: undefined, replies: undefined };
      life = {
        consumerTag,
        attendant: new Attendant({ ...this.#parts, ...ends }),
        stop,
        misses: 0,
      };
      this.#lives.set(consumerTag, life);
    }
    return life;
  }

  /** The client tells nobody that a channel is gone, but it has no consumer tag then. */
  readonly #look = (): void => {
    for (const life of this.#lives.values()) {
      life.misses = this.consumerTag === life.consumerTag ? 0 : life.misses + 1;
      // The first deliveries may come before the client knows the tag.
      if (life.misses < 2) continue;
      this.#lives.delete(life.consumerTag);
      life.stop.abort();
    }
  };

  async #close(drainMs: number): Promise<void> {
    clearInterval(this.#looking);
    this.#isStopped = true;
    const closing = Promise.resolve(this.#consumer?.close()).catch(() => undefined);
    for (const { stop } of this.#lives.values()) stop.abort();
    const drained = new AbortController();
    const limit = delay(drainMs, undefined, { signal: drained.signal, ref: false });
    await Promise.race([closing, limit.catch(() => undefined)]);
    drained.abort();
  }

  #tell(error: unknown): void {
    // Its channel is gone: the message comes again, and is dropped if it was done.
    if (/^failed to ack\/nack message/.test(textOf(error))) return;
    const { code, message } = explainChannelError(error, "The client consumes again by itself.");
    warn(code, message);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
