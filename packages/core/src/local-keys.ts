import type { Clock } from "./clock.js";

interface Waiter {
  readonly enter: (taken: boolean) => void;
}

/** A key that is held, and who waits for it. */
interface Held {
  readonly key: string;
  waiters: Waiter[] | undefined;
  /** The next one in the same place of the table. */
  neighbour: Held | undefined;
}

/** A power of two. More keys than that only share places. */
const TABLE_SIZE = 4096;

/**
 * Lets one delivery of a key at a time through, inside this process. The others wait for it and then claim for
 * themselves, so that equal keys of one process never compete in the store.
 */
export class LocalKeys {
  readonly #clock: Clock;
  /**
   * A fixed table instead of a Map: keys come and go with every message, and a Map would leave one outgrown table after
   * the other to the major collector, with all that hangs on it.
   */
  readonly #table = new Array<Held | undefined>(TABLE_SIZE).fill(undefined);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the key if nobody in this process holds it. */
  tryTake(key: string): boolean {
    if (this.#find(key) !== undefined) return false;
    const place = placeOf(key);
    this.#table[place] = { key, waiters: undefined, neighbour: this.#table[place] };
    return true;
  }

  /** Waits for the key, first come first served. False: `waitMs` passed, or `signal` aborted. */
  take(key: string, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    const held = this.#find(key);
    if (held === undefined) return Promise.resolve(this.tryTake(key));
    held.waiters ??= [];
    const { waiters } = held;
    return new Promise((resolve) => {
      const enter = (taken: boolean): void => {
        cancel();
        signal.removeEventListener("abort", giveUp);
        resolve(taken);
      };
      const waiter: Waiter = { enter };
      const giveUp = (): void => {
        const index = waiters.indexOf(waiter);
        if (index >= 0) waiters.splice(index, 1);
        enter(false);
      };
      const cancel = this.#clock.after(waitMs, giveUp);
      signal.addEventListener("abort", giveUp, { once: true });
      waiters.push(waiter);
    });
  }

  /** Gives the key to the first waiter, or frees it. */
  leave(key: string): void {
    const held = this.#find(key);
    if (held === undefined) return;
    const next = held.waiters?.shift();
    if (next === undefined) this.#free(held);
    else next.enter(true);
  }

  #find(key: string): Held | undefined {
    let held = this.#table[placeOf(key)];
    while (held !== undefined && held.key !== key) held = held.neighbour;
    return held;
  }

  #free(held: Held): void {
    const place = placeOf(held.key);
    let before = this.#table[place];
    if (before === held) {
      this.#table[place] = held.neighbour;
    } else {
      while (before !== undefined && before.neighbour !== held) before = before.neighbour;
      if (before !== undefined) before.neighbour = held.neighbour;
    }
    held.neighbour = undefined;
  }
}

/** From two characters of a digest, six bits each. */
function placeOf(key: string): number {
  return ((key.charCodeAt(20) << 6) ^ key.charCodeAt(10)) & (TABLE_SIZE - 1);
}
