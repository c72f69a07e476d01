import type { Clock } from "@onlyonce/core";
import type { Run, Verdict } from "@onlyonce/core/adapter";
import type { KafkaRecord } from "./record.js";
import type { Action } from "./settlement.js";

/** An answer that takes longer than this is awaited before anything more starts, in milliseconds. */
const OVERDUE_MS = 100;

interface Started {
  readonly record: KafkaRecord;
  readonly startedAtMs: number;
  verdict: Verdict | undefined;
}

/** Settles records in their own order, whenever their verdicts come: up to the first one that is not resolved. */
export class OffsetOrder {
  readonly #settle: (record: KafkaRecord, verdict: Verdict) => Action;
  readonly #clock: Clock;
  #open: Started[] = [];
  #gap: Action | undefined;
  #failure: { readonly error: unknown } | undefined;
  #tell: (() => void) | undefined;

  constructor(settle: (record: KafkaRecord, verdict: Verdict) => Action, clock: Clock) {
    this.#settle = settle;
    this.#clock = clock;
  }

  /** What became of the first record that was not resolved: nothing behind it is. */
  get gap(): Action | undefined {
    return this.#gap;
  }

  /** Whether a handler has ended some time ago, or runs for some time, and the store has not answered for it. */
  get isOverdue(): boolean {
    const [oldest] = this.#open;
    return oldest !== undefined && this.#clock.nowMs() - oldest.startedAtMs > OVERDUE_MS;
  }

  add(record: KafkaRecord, { verdict }: Pick<Run<unknown>, "verdict">): void {
    const started: Started = { record, startedAtMs: this.#clock.nowMs(), verdict: undefined };
    this.#open.push(started);
    verdict.then(
      (answer) => {
        started.verdict = answer;
        this.#resolveInOrder();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Once every record that was added is settled. Rejects with what should not have happened. */
  async answered(): Promise<void> {
    if (this.#open.length > 0) {
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #resolveInOrder(): void {
    try {
      let settled = 0;
      for (const { record, verdict } of this.#open) {
        if (verdict === undefined) break;
        settled += 1;
        if (this.#gap !== undefined) continue;
        const action = this.#settle(record, verdict);
        if (action.kind !== "resolve") this.#gap = action;
      }
      if (settled === this.#open.length) this.#open = [];
      else if (settled > 0) this.#open.splice(0, settled);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#open.length === 0) this.#tell?.();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#gap ??= { kind: "leave" };
    this.#open = [];
    this.#tell?.();
  }
}
