import { setTimeout as delay } from "node:timers/promises";
import type { Copy } from "../workload.js";
import type { SimulatedConsumer } from "./simulated-consumer.js";

/** How long a consumer with nothing to do waits before it looks again, in milliseconds. */
const LOOK_EVERY_MS = 5;

/** A queue that behaves like RabbitMQ's: acks one by one, and takes back what a dead consumer had not acked. */
export class MemoryQueue {
  readonly #ready: Copy[];
  readonly #unacked = new Map<SimulatedConsumer, Set<Copy>>();
  #left: number;

  constructor(copies: readonly Copy[]) {
    this.#ready = [...copies];
    this.#left = copies.length;
  }

  /** How many messages are not acked. */
  get left(): number {
    return this.#left;
  }

  /** Delivers up to `prefetch` messages at a time. Resolves when everything is acked; a dead consumer never ends. */
  async consume(consumer: SimulatedConsumer, prefetch: number): Promise<void> {
    const unacked = new Set<Copy>();
    this.#unacked.set(consumer, unacked);
    await Promise.all(Array.from({ length: prefetch }, () => this.#deliver(consumer, unacked)));
  }

  /** The connection of the consumer broke: its messages go back to where they came from. */
  disconnect(consumer: SimulatedConsumer): void {
    this.#ready.unshift(...(this.#unacked.get(consumer) ?? []));
    this.#unacked.delete(consumer);
  }

  async #deliver(consumer: SimulatedConsumer, unacked: Set<Copy>): Promise<void> {
    while (this.#left > 0 && consumer.isAlive) {
      const copy = this.#ready.shift();
      if (copy === undefined) {
        await delay(LOOK_EVERY_MS);
        continue;
      }
      unacked.add(copy);
      const settled = await consumer.process(copy);
      if (settled.status === "later") await delay(settled.delayMs);
      if (!consumer.isAlive) return;
      unacked.delete(copy);
      if (settled.status === "later") this.#ready.push(copy);
      else this.#left -= 1;
    }
  }
}
