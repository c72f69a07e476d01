import { OnlyOnceError } from "./errors.js";
import type { Context } from "./handler.js";

/** Why a running handler was told to stop. */
export type AbortReason = "lease_lost" | "time_up";

const ABORT_TEXT = {
  lease_lost: "the lease of this claim was lost: somebody else may run the message now",
  time_up: "the longest processing time is up: the broker is about to redeliver the message",
} as const satisfies Record<AbortReason, string>;

/** The context of one run. Remembers whether the handler could know that it was aborted. */
export class RunContext implements Context {
  readonly attempt: number;
  readonly idempotencyKey: string;
  #controller: AbortController | undefined;
  #abortedBy: AbortReason | undefined;
  #skipped = false;

  constructor(attempt: number, idempotencyKey: string) {
    this.attempt = attempt;
    this.idempotencyKey = idempotencyKey;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#forward();
    }
    return this.#controller.signal;
  }

  readonly skip = (): void => {
    this.#skipped = true;
  };

  get skipped(): boolean {
    return this.#skipped;
  }

  get abortedBy(): AbortReason | undefined {
    return this.#abortedBy;
  }

  /** The handler may have stopped early because of the abort, even though it resolved. */
  get mayHaveStopped(): boolean {
    return this.#abortedBy !== undefined && this.#controller !== undefined;
  }

  abort(reason: AbortReason): void {
    if (this.#abortedBy !== undefined) return;
    this.#abortedBy = reason;
    this.#forward();
  }

  #forward(): void {
    if (this.#abortedBy === undefined || this.#controller === undefined) return;
    this.#controller.abort(new OnlyOnceError("ERR_ONLYONCE_ABORTED", ABORT_TEXT[this.#abortedBy]));
  }
}
