import type { Store } from "@onlyonce/core";
import { it } from "vitest";
import { askedFor, expectedOf } from "./bare-requests.js";

/** A store opened for one test, alone with its records. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Resolves when the store's clock has moved on by at least `ms`. A real clock is waited for. */
  advance(ms: number): Promise<void>;
  /** Deletes the record of a key behind the store's back. */
  lose(key: string): Promise<void>;
  /**
   * Damages the record of a key behind the store's back, creating it where there is none: `malformed` makes it
   * unreadable; `newer` makes it one of a later version, its state kept. It is then kept for longer than a test lasts.
   * Needed where `records` is `corruptible`.
   */
  corrupt?(key: string, how: "malformed" | "newer"): Promise<void>;
  /** Another store over the same records, through a connection of its own; closed by `close`. */
  peer?(): Promise<Store>;
  /** Closes the store and removes what the test left behind. */
  close(): Promise<void>;
}

export interface StoreNeeds {
  /** No request will ask for a longer window, in milliseconds. */
  readonly longestWindowMs: number;
}

export interface StoreHarness {
  open(needs: StoreNeeds): Promise<StoreUnderTest>;
}

/** What stores may differ in. */
export interface StoreFeatures {
  /** `manual`: `advance` moves time exactly and nothing else does. `real`: time also passes by itself. */
  readonly clock: "manual" | "real";
  /** Whether a record can be damaged or be of another version. */
  readonly records: "in-process" | "corruptible";
  /**
   * `bare`: completed records tell nothing of their origin, claims with a fingerprint and completions with a result are
   * refused, and in the long run it is not known who completed a key.
   * @defaultValue "full"
   */
  readonly completed?: "full" | "bare";
  /**
   * How long a completed key may be remembered after its window: a share of the longest window that is needed.
   * @defaultValue 0
   */
  readonly lateness?: number;
}

/** Enough for every test that does not say what it needs. */
export const LONGEST_WINDOW_MS = 1_200_000;

/** Damages a record; throws where the harness can't. */
export async function corrupt(
  subject: StoreUnderTest,
  key: string,
  how: "malformed" | "newer",
): Promise<void> {
  if (subject.corrupt === undefined) {
    throw new TypeError('features.records is "corruptible", but the harness has no corrupt()');
  }
  await subject.corrupt(key, how);
}

/** Registers a test. */
export interface StoreTest {
  (name: string, run: (subject: StoreUnderTest) => Promise<void>): void;
  /** What is expected in words, as far as a store with such completed records can tell it. */
  words(expected: string): string;
}

/** Registers tests that open a store of their own and close it whatever happens. */
export function storeTest(
  harness: StoreHarness,
  features: StoreFeatures,
  longestWindowMs: number = LONGEST_WINDOW_MS,
): StoreTest {
  const test = (name: string, run: (subject: StoreUnderTest) => Promise<void>) => {
    it(name, async () => {
      const subject = askedFor(await harness.open({ longestWindowMs }), features);
      try {
        await run(subject);
      } finally {
        await subject.close();
      }
    });
  };
  return Object.assign(test, { words: (expected: string) => expectedOf(features, expected) });
}
