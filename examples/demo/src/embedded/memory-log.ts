import { setTimeout as delay } from "node:timers/promises";
import type { Copy } from "../workload.js";
import type { SimulatedConsumer } from "./simulated-consumer.js";

/** A commit covers this many records: what came after the last one is delivered again to the next owner. */
const COMMIT_EVERY = 20;

interface Partition {
  readonly records: readonly Copy[];
  committed: number;
}

/** A topic that behaves like Kafka's: order within partitions, one owner for each, and offsets instead of acks. */
export class MemoryLog {
  readonly #partitions: readonly Partition[];
  #generation = 0;

  constructor(copies: readonly Copy[], partitions: number) {
    this.#partitions = Array.from({ length: partitions }, (_, index) => ({
      records: copies.filter(({ place }) => Math.floor(place * partitions) === index),
      committed: 0,
    }));
  }

  /** How many records are not committed. */
  get left(): number {
    return this.#partitions.reduce(
      (sum, { records, committed }) => sum + records.length - committed,
      0,
    );
  }

  /**
   * Spreads the partitions over these members. Does not wait for the former owners: the commits of their work are
   * refused, and the new owners start where the last commit was. Resolves when this spread has come to its end.
   */
  async rebalance(members: readonly SimulatedConsumer[]): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    await Promise.all(
      this.#partitions.map((partition, index) => {
        const owner = members[index % members.length];
        return owner && this.#consume(partition, owner, generation);
      }),
    );
  }

  async #consume(
    partition: Partition,
    owner: SimulatedConsumer,
    generation: number,
  ): Promise<void> {
    let position = partition.committed;
    for (;;) {
      const record = partition.records[position];
      if (record === undefined || generation !== this.#generation || !owner.isAlive) return;
      const settled = await owner.process(record);
      if (generation !== this.#generation) return;
      if (settled.status === "later") {
        await delay(settled.delayMs);
        continue;
      }
      position += 1;
      const isEnd = position === partition.records.length;
      if (isEnd || position % COMMIT_EVERY === 0) partition.committed = position;
    }
  }
}
