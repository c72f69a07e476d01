import type { StoreFailure } from "@onlyonce/core";
import type { Expiring } from "./deadlines.js";

/** One call of the store's user, of one or many keys: a promise for all of its replies, settled once. */
export class Ticket<Reply> implements Expiring {
  readonly replies: Promise<readonly (Reply | StoreFailure)[]>;
  readonly deadlineMs: number;
  readonly #replies: (Reply | StoreFailure)[];
  #resolve: (replies: readonly (Reply | StoreFailure)[]) => void = ignore;
  #reject: (error: unknown) => void = ignore;
  #left: number;
  #answered = 0;
  #isSettled = false;

  constructor(size: number, deadlineMs: number) {
    this.deadlineMs = deadlineMs;
    this.#replies = new Array<Reply | StoreFailure>(size);
    this.#left = size;
    this.replies = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  answer(index: number, reply: Reply): void {
    if (this.#isSettled) return;
    this.#replies[index] = reply;
    this.#answered += 1;
    this.#left -= 1;
    if (this.#left === 0) this.#settle();
  }

  /** Fails one key; a ticket none of whose keys was answered rejects as a whole. */
  fail(index: number, error: unknown): void {
    if (this.#isSettled) return;
    this.#replies[index] = { status: "error", error };
    this.#left -= 1;
    if (this.#left === 0) this.#settle(error);
  }

  /** Fails every key that has no reply yet. */
  expire(error: unknown): void {
    if (this.#isSettled) return;
    const replies = this.#replies;
    for (let i = 0; i < replies.length; i += 1) replies[i] ??= { status: "error", error };
    this.#settle(error);
  }

  #settle(error?: unknown): void {
    this.#isSettled = true;
    if (this.#answered === 0) this.#reject(error);
    else this.#resolve(this.#replies);
  }
}

function ignore(): void {}
