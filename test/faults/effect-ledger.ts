import type { RecordingObserver } from "@onlyonce/testing";

/** Outcomes that tell an operator that an effect may have happened twice: docs/guarantees.md. */
const TELLING = new Set([
  "claim_lost",
  "processed:late",
  "processed:vanished",
  "processed:unrecorded",
  "unprotected:store_down",
]);

/** What an audit of all effects found. */
export interface Audit {
  /** Messages that had no effect although they were settled. */
  readonly lost: readonly string[];
  /** Messages with two effects or more, each of them reported by an outcome of its own. */
  readonly reported: readonly string[];
  /** Messages with two effects or more, about which only a finding can tell: their completed record is gone. */
  readonly forgotten: readonly string[];
}

/** Every effect of every message, as the database behind the handlers would show it. */
export class EffectLedger {
  readonly #effects = new Map<string, number>();

  /** A message that a broker holds from now on. */
  sent(id: string): void {
    this.#effects.set(id, 0);
  }

  effect(id: string): void {
    this.#effects.set(id, (this.#effects.get(id) ?? 0) + 1);
  }

  get ids(): readonly string[] {
    return [...this.#effects.keys()];
  }

  audit(observers: readonly RecordingObserver[]): Audit {
    const told = new Set<string>();
    for (const { outcomes } of observers) {
      for (const { delivery, outcome, detail } of outcomes) {
        const name = detail === undefined ? outcome : `${outcome}:${detail}`;
        if (TELLING.has(name) && delivery.id !== undefined) told.add(delivery.id);
      }
    }
    const entries = [...this.#effects];
    const doubled = entries.filter(([, count]) => count > 1).map(([id]) => id);
    return {
      lost: entries.filter(([, count]) => count === 0).map(([id]) => id),
      reported: doubled.filter((id) => told.has(id)),
      forgotten: doubled.filter((id) => !told.has(id)),
    };
  }
}
