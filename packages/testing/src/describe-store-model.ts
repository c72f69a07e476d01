import { describe, it } from "vitest";
import type { Pace } from "./model-arbitraries.js";
import { CLAIM_SCRIPTS } from "./model-claim-scripts.js";
import { checkStoreModel, playScript } from "./model-property.js";
import { RECORD_SCRIPTS } from "./model-record-scripts.js";
import type { StoreFeatures, StoreHarness } from "./store-harness.js";

export interface StoreModelOptions {
  /**
   * Where the random sequences start from: a failure prints it, and the same seed repeats it.
   * @defaultValue another one in every run
   */
  readonly seed?: number;
  /**
   * How many random sequences, from 1. Under a real clock, a fifth of them waits for leases to lapse.
   * @defaultValue 3000 under a manual clock, 400 under a real one
   */
  readonly runs?: number;
}

const LIMIT_MS = 120_000;
/** Sequences that wait are tried side by side. */
const WAITING_TESTS = 4;

/**
 * Registers tests that take a store and an independent model of the record table through random sequences of calls,
 * copies, losses, lapses and crashes, and through the counter-examples that such sequences have brought up. Every
 * answer and every record must be what the model says. To be called in a vitest file, once per store.
 */
export function describeStoreModel(
  name: string,
  harness: StoreHarness,
  features: StoreFeatures,
  options: StoreModelOptions = {},
): void {
  const { seed, runs = features.clock === "manual" ? 3_000 : 400 } = options;
  if (!Number.isInteger(runs) || runs < 1) {
    throw new RangeError(`runs must be a whole number from 1, got ${runs}`);
  }
  if (seed !== undefined && !Number.isInteger(seed)) {
    throw new RangeError(`seed must be a whole number, got ${seed}`);
  }
  const random = (title: string, pace: Pace, share: number, place = 0) =>
    it(
      title,
      async () => {
        await checkStoreModel(harness, features, {
          pace,
          runs: Math.ceil(runs * share),
          seed: seed === undefined ? undefined : seed + place,
          limitMs: 0.9 * LIMIT_MS,
        });
      },
      LIMIT_MS,
    );

  describe(`${name}, beside a model of the record table`, () => {
    const agrees = "behaviour 94: answers and keeps what the model says";
    if (features.clock === "manual") {
      random(`${agrees}, whatever happens in whatever order`, "manual", 1);
    } else {
      random(`${agrees}, whatever happens in whatever order while leases live`, "still", 0.8);
      describe.concurrent("while leases and windows end", () => {
        for (let place = 0; place < WAITING_TESTS; place += 1) {
          const title = `${agrees}, sequences ${place + 1} of ${WAITING_TESTS}`;
          random(title, "moving", 0.2 / WAITING_TESTS, place);
        }
      });
    }

    describe.concurrent("counter-examples of wrong tables", () => {
      for (const { name: title, steps, needs = features.records } of [
        ...CLAIM_SCRIPTS,
        ...RECORD_SCRIPTS,
      ]) {
        if (needs !== features.records) continue;
        it(title, () => playScript(harness, features, steps), LIMIT_MS);
      }
    });
  });
}
