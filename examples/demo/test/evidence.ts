import type { Outcome } from "@onlyonce/core";
import type { Evidence } from "../src/audit.js";
import type { JournalEntry } from "../src/journal.js";
import type { Effect } from "../src/ledger.js";
import type { Copy } from "../src/workload.js";

/** Writes journal and ledger as a run would have, one event per millisecond. */
export class Story {
  readonly #published: Copy[] = [];
  readonly #journal: JournalEntry[] = [];
  readonly #ledger: Effect[] = [];
  readonly #hasRebalances: boolean;
  #atMs = 1_000;

  constructor(broker: "rabbitmq" | "kafka") {
    this.#hasRebalances = broker === "kafka";
  }

  get evidence(): Evidence {
    return {
      published: this.#published,
      journal: this.#journal,
      ledger: this.#ledger,
      hasRebalances: this.#hasRebalances,
    };
  }

  /** Publishes copies such as `a/1`: the first copy of task `a`. */
  publish(...copyIds: readonly string[]): this {
    for (const copyId of copyIds) {
      const task = { id: taskOf(copyId), amountCents: 100, workMs: 1 };
      this.#published.push({ copyId, task, place: 0 });
    }
    return this;
  }

  /** A copy arrives; the number names this delivery among those of the consumer. */
  arrives(consumer: string, delivery: number, copyId: string): this {
    this.#journal.push({ event: "delivered", consumer, delivery, copyId, atMs: this.#tick() });
    return this;
  }

  effect(consumer: string, delivery: number, id: string): this {
    const atMs = this.#tick();
    this.#ledger.push({ id, consumer, pid: 1, delivery, attempt: 1, atMs });
    return this;
  }

  ends(consumer: string, delivery: number, outcome: Outcome): this {
    this.#journal.push({ event: "outcome", consumer, delivery, outcome, atMs: this.#tick() });
    return this;
  }

  /** Arrives, is worked on, and is done. */
  runs(consumer: string, delivery: number, copyId: string, outcome: Outcome = "processed"): this {
    return this.arrives(consumer, delivery, copyId)
      .effect(consumer, delivery, taskOf(copyId))
      .ends(consumer, delivery, outcome);
  }

  /** Arrives, and is dropped. */
  isDropped(consumer: string, delivery: number, copyId: string): this {
    return this.arrives(consumer, delivery, copyId).ends(consumer, delivery, "duplicate");
  }

  killed(consumer: string): this {
    this.#journal.push({ event: "killed", consumer, pid: 1, atMs: this.#tick() });
    return this;
  }

  #tick(): number {
    this.#atMs += 1;
    return this.#atMs;
  }
}

function taskOf(copyId: string): string {
  return copyId.split("/")[0] ?? "";
}
