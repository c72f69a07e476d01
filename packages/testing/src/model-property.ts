import fc from "fast-check";
import { askedFor } from "./bare-requests.js";
import { type Pace, sequences } from "./model-arbitraries.js";
import type { Command } from "./model-commands.js";
import { ModelRun } from "./model-run.js";
import { LONGEST_WINDOW_MS, type StoreFeatures, type StoreHarness } from "./store-harness.js";

export interface PropertyOptions {
  readonly pace: Pace;
  readonly runs: number;
  readonly seed: number | undefined;
  /** How long it may take, in milliseconds; it fails then, with what it found so far. */
  readonly limitMs: number;
}

const STEPS_PER_RUN = 60;

/**
 * Random sequences of steps: at each of them the store answers, and keeps, what the model says. Rejects with the seed
 * and the shortest sequence found that shows a difference. Resolves with the cells of the record table that were met.
 */
export async function checkStoreModel(
  harness: StoreHarness,
  features: StoreFeatures,
  { pace, runs, seed, limitMs }: PropertyOptions,
): Promise<ReadonlyMap<string, number>> {
  const met = new Map<string, number>();
  const onMeeting = (cell: string) => met.set(cell, (met.get(cell) ?? 0) + 1);
  const property = fc.asyncProperty(sequences(pace, STEPS_PER_RUN), async (steps) => {
    await withRun(harness, features, onMeeting, (run) =>
      fc.asyncModelRun(() => ({ model: run, real: run }), steps),
    );
  });
  await fc.assert(property, {
    numRuns: runs,
    ...(seed !== undefined && { seed }),
    interruptAfterTimeLimit: limitMs,
    markInterruptAsFailure: true,
  });
  return met;
}

/** Takes store and model through one sequence of steps, each of which must apply. */
export function playScript(
  harness: StoreHarness,
  features: StoreFeatures,
  steps: readonly Command[],
): Promise<void> {
  return withRun(
    harness,
    features,
    () => undefined,
    async (run) => {
      for (const step of steps) {
        const applies = step.check(run);
        // On a slow machine a lease may have ended before it is waited for.
        if (!applies && features.clock === "manual") throw new Error(`${step} does not apply`);
        if (applies) await step.run(run);
      }
    },
  );
}

async function withRun(
  harness: StoreHarness,
  features: StoreFeatures,
  onMeeting: (cell: string) => void,
  play: (run: ModelRun) => Promise<void>,
): Promise<void> {
  const subject = askedFor(await harness.open({ longestWindowMs: LONGEST_WINDOW_MS }), features);
  try {
    const run = await ModelRun.over(subject, features, onMeeting);
    try {
      await play(run);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${message}\nafter\n${run.story()}`, { cause: error });
    }
  } finally {
    await subject.close();
  }
}
