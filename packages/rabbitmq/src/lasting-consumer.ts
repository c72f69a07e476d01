import { setTimeout as delay } from "node:timers/promises";
import { backOffMs } from "./back-off.js";
import type { AmqpChannel } from "./channel.js";
import { QueueConsumer, type QueueConsumerParts, type RabbitConsumer } from "./consumer.js";
import { resolveDrainMs } from "./options.js";
import { textOf, warn } from "./warning.js";

export interface LastingConsumerParts {
  readonly queue: string;
  /** Makes a channel for this consumer alone. */
  readonly open: () => PromiseLike<AmqpChannel>;
  /** What consumes on one channel. Throws if the channel can't be used. */
  readonly partsOn: (channel: AmqpChannel) => QueueConsumerParts;
}

/** A consumer that lived for so long has recovered: its next loss is the first one again. */
const RECOVERED_MS = 60_000;
/** A broker that does not answer must not keep a consumer from closing. */
const LONGEST_CLOSE_MS = 5_000;

/** A consumer that goes on, on a new channel, after its channel was lost or the broker cancelled it. */
export class LastingConsumer implements RabbitConsumer {
  readonly #parts: LastingConsumerParts;
  readonly #stop = new AbortController();
  /** The consumer of now, and former ones whose handlers still run. */
  readonly #consumers = new Map<QueueConsumer, AmqpChannel>();
  #consumerTag = "";
  #startedAtMs = 0;
  #losses = 0;
  #closed: Promise<void> | undefined;

  private constructor(parts: LastingConsumerParts) {
    this.#parts = parts;
  }

  /** Rejects when the first try fails: what is wrong from the start is for the caller to see. */
  static async start(parts: LastingConsumerParts): Promise<LastingConsumer> {
    const consumer = new LastingConsumer(parts);
    await consumer.#consume();
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

  async #consume(): Promise<void> {
    const channel = await this.#parts.open();
    try {
      let hasEnded = false;
      const onEnd = (): void => {
        if (hasEnded) return;
        hasEnded = true;
        void this.#goOn();
      };
      const consumer = await QueueConsumer.start({ ...this.#parts.partsOn(channel), onEnd });
      this.#consumers.set(consumer, channel);
      this.#consumerTag = consumer.consumerTag;
      this.#startedAtMs = performance.now();
      // Closed meanwhile: nobody else knows of this one.
      if (this.#stop.signal.aborted) await this.#end(consumer, channel, 0);
    } catch (error) {
      await closeQuietly(channel);
      throw error;
    }
  }

  /** Tries until it works or the consumer closes. */
  async #goOn(): Promise<void> {
    this.#leaveFormer();
    if (performance.now() - this.#startedAtMs > RECOVERED_MS) this.#losses = 0;
    for (let round = 0; !this.#stop.signal.aborted; round += 1) {
      this.#losses += 1;
      try {
        await delay(backOffMs(this.#losses, Math.random()), undefined, {
          signal: this.#stop.signal,
        });
      } catch {
        return;
      }
      try {
        await this.#consume();
        return;
      } catch (error) {
        if (round > 0) continue;
        warn(
          "ONLYONCE_AMQP_CONSUME_AGAIN",
          `Consuming ${JSON.stringify(this.#parts.queue)} again failed and is tried until it works: ${textOf(error)}`,
        );
      }
    }
  }

  /** What still runs on former channels is settled there, if they are open; then they are not needed any more. */
  #leaveFormer(): void {
    for (const [consumer, channel] of this.#consumers) {
      void consumer.idle().then(async () => {
        if (this.#closed === undefined) await this.#end(consumer, channel, 0);
      });
    }
  }

  async #close(drainMs: number): Promise<void> {
    this.#stop.abort();
    const all = [...this.#consumers];
    await Promise.all(all.map(([consumer, channel]) => this.#end(consumer, channel, drainMs)));
  }

  async #end(consumer: QueueConsumer, channel: AmqpChannel, drainMs: number): Promise<void> {
    await consumer.close({ drainMs });
    this.#consumers.delete(consumer);
    await closeQuietly(channel);
  }
}

/** Never rejects: a channel that can't be closed is closed. */
async function closeQuietly(channel: AmqpChannel): Promise<void> {
  const over = new AbortController();
  const late = delay(LONGEST_CLOSE_MS, undefined, { signal: over.signal, ref: false });
  try {
    await Promise.race([channel.close?.(), late]);
  } catch {
    // It was closed before, or its connection is gone.
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}
