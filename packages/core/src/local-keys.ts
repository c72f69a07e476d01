import type { Clock } from "./clock.js";

interface Waiter {
  readonly enter: (taken: boolean) => void;
}

/**
 * Lets one delivery of a key at a time through, inside this process. The others wait for it and then claim for
 * themselves, so that equal keys of one process never compete in the store.
 */
export class LocalKeys {
  readonly #clock: Clock;
  readonly #queues = new Map<string, Waiter[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the key if nobody in this process holds it. */
  tryTake(key: string): boolean {
    if (this.#queues.has(key)) return false;
    this.#queues.set(key, []);
    return true;
  }

  /** Waits for the key, first come first served. False: `waitMs` passed, or `signal` aborted. */
  take(key: string, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.tryTake(key)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const enter = (taken: boolean): void => {
        cancel();
        signal.removeEventListener("abort", giveUp);
        resolve(taken);
      };
      const waiter: Waiter = { enter };
      const giveUp = (): void => {
        const queue = this.#queues.get(key);
        const index = queue?.indexOf(waiter) ?? -1;
        if (queue !== undefined && index >= 0) queue.splice(index, 1);
        enter(false);
      };
      const cancel = this.#clock.after(waitMs, giveUp);
      signal.addEventListener("abort", giveUp, { once: true });
      this.#queues.get(key)?.push(waiter);
    });
  }

  /** Gives the key to the first waiter, or frees it. */
  leave(key: string): void {
    const next = this.#queues.get(key)?.shift();
    if (next === undefined) this.#queues.delete(key);
    else next.enter(true);
  }
}
