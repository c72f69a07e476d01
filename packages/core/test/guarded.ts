import { ManualClock, RecordingObserver } from "@onlyonce/testing";
import { expect } from "vitest";
import type { Deduplicator, Delivery, Store, TopicPolicy } from "../src/index.js";
import { memoryStore } from "../src/index.js";
import { createDeduplicatorWith } from "../src/internal.js";

/** Short times under a manual clock: lease 3 s, busy wait 2 s, longest processing 5 s. */
const POLICY: TopicPolicy = {
  ackTimeoutMs: 10_000,
  leaseMs: 3_000,
  busyWaitMs: 2_000,
  windowMs: 60_000,
  maxAttempts: 3,
};

export interface Guarded {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly observer: RecordingObserver;
  readonly dedup: Deduplicator;
  /** Another process on the same store, on a way of its own to it. */
  peer(
    wrap?: (store: Store) => Store,
    policy?: TopicPolicy,
  ): { readonly dedup: Deduplicator; readonly observer: RecordingObserver };
}

export function guarded(
  policy: TopicPolicy = {},
  wrap: (store: Store) => Store = (store) => store,
): Guarded {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const member: Guarded["peer"] = (way = (given) => given, more = {}) => {
    const observer = new RecordingObserver();
    const defaults = { ...POLICY, ...policy, ...more };
    const options = { store: way(store), scope: "billing", defaults, observers: [observer] };
    return { dedup: createDeduplicatorWith(options, clock), observer };
  };
  return { clock, store, ...member(wrap), peer: member };
}

export function payment(id: string, more: Partial<Delivery> = {}): Delivery {
  return { topic: "payments", id, payload: { id }, ...more };
}

/** A handler whose runs a test ends by hand. */
export class Work {
  readonly runs: {
    readonly signal: () => AbortSignal;
    resolve(value?: string): void;
    reject(error: unknown): void;
  }[] = [];

  readonly handler = (context: { readonly signal: AbortSignal }): Promise<string> =>
    new Promise((resolve, reject) => {
      this.runs.push({
        signal: () => context.signal,
        resolve: (value = "done") => resolve(value),
        reject,
      });
    });

  run(index: number): (typeof this.runs)[number] {
    const run = this.runs[index];
    expect(run, `run ${index} of the handler`).toBeDefined();
    if (run === undefined)
      throw new Error(`the handler has not started for the ${index + 1}th time`);
    return run;
  }
}

/** Watches a promise without waiting for it. */
export function watch<T>(promise: Promise<T>): {
  readonly state: () => "pending" | "resolved" | "rejected";
  readonly promise: Promise<T>;
} {
  let state: "pending" | "resolved" | "rejected" = "pending";
  promise.then(
    () => {
      state = "resolved";
    },
    () => {
      state = "rejected";
    },
  );
  return { state: () => state, promise };
}
