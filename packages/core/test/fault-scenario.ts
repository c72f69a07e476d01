import type { StoreFault, StoreVerb } from "@onlyonce/testing";
import fc from "fast-check";

/** What one run of a handler does. */
export interface RunPlan {
  readonly lastsMs: number;
  readonly ends: "resolves" | "throws" | "throws for good" | "skips";
  /** On an abort: it goes on and never knew; it goes on all the same; it throws; it returns with nothing done. */
  readonly onAbort: "unaware" | "goes on" | "throws" | "returns";
}

export interface MessagePlan {
  /** How often the producer sent it. */
  readonly copies: number;
  /** Its first runs, in order. */
  readonly runs: readonly RunPlan[];
  /** Every later one. It resolves. */
  readonly usual: RunPlan;
}

const VERBS = ["claim", "start", "renew", "complete", "release"] as const;

export type Step =
  /** Hands so many of the waiting deliveries to a worker: one by one, or claimed ahead as a batch. */
  | { readonly do: "deliver" | "batch"; readonly worker: number; readonly count: number }
  /** Hands one of the waiting deliveries to each worker. */
  | { readonly do: "spread" }
  | { readonly do: "advance"; readonly ms: number }
  /** Dies; another worker takes its place. */
  | { readonly do: "crash"; readonly worker: number }
  /** Shuts down in good order; another worker takes its place. */
  | { readonly do: "drain"; readonly worker: number; readonly drainMs: number }
  /** What was held back, or copied, on a worker's way to the store arrives. */
  | { readonly do: "late"; readonly worker: number }
  /** A worker's way to the store breaks for these calls, until it is mended. */
  | {
      readonly do: "break";
      readonly worker: number;
      readonly verbs: readonly StoreVerb[];
      readonly fault: StoreFault;
    }
  | { readonly do: "mend"; readonly worker: number };

export interface Scenario {
  readonly onStoreDown: "wait" | "process";
  readonly deadLetter: "publish" | "reject" | "none";
  /** How many of the first dead letters can't be published. */
  readonly lettersLost: number;
  readonly messages: readonly MessagePlan[];
  /** Whose calls take long, in whatever they end. */
  readonly slow: readonly boolean[];
  /** Whose renewals never arrive, until they are mended. */
  readonly mute: readonly boolean[];
  /** What happens to the first calls of each worker, verb by verb. */
  readonly faults: readonly (readonly (readonly (StoreFault | undefined)[])[])[];
  readonly steps: readonly Step[];
}

/** Within a sixth of the lease of three seconds: what a store may take before it gives up. */
export const SLOW_MS = 250;

const fault: fc.Arbitrary<StoreFault> = fc.constantFrom<StoreFault[]>(
  { kind: "fail", when: "before" },
  { kind: "fail", when: "after" },
  { kind: "twice" },
  { kind: "copy" },
  { kind: "hold" },
  { kind: "refuse" },
  { kind: "delay", when: "before", ms: SLOW_MS / 2 },
  { kind: "delay", when: "after", ms: SLOW_MS / 2 },
);

/** The longest processing time is five seconds. */
const run: fc.Arbitrary<RunPlan> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      lastsMs: fc.constantFrom(0, 1_000, 4_000, 4_900),
      ends: fc.constantFrom("resolves" as const, "resolves" as const, "throws" as const),
      onAbort: fc.constantFrom<RunPlan["onAbort"][]>("unaware", "goes on", "throws", "returns"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      lastsMs: fc.constantFrom(0, 7_000),
      ends: fc.constantFrom<RunPlan["ends"][]>("resolves", "throws for good", "skips"),
      onAbort: fc.constantFrom<RunPlan["onAbort"][]>("unaware", "throws", "returns"),
    }),
  },
);

const worker = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("deliver" as const, "deliver" as const, "batch" as const),
      worker,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("spread" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      ms: fc.constantFrom(50, 300, 1_000, 1_000, 2_600, 4_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), worker }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("drain" as const),
      worker,
      drainMs: fc.constantFrom(0, 500, 3_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("late" as const), worker }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      worker,
      verbs: fc.constantFrom<(readonly StoreVerb[])[]>(
        VERBS,
        ["renew"],
        ["renew"],
        ["renew", "complete"],
        ["release"],
      ),
      fault,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("mend" as const), worker }) },
);

const calls = fc.array(fc.option(fault, { nil: undefined, freq: 2 }), { maxLength: 5 });

/** Whatever can happen to a few messages, a few workers and their ways to the store. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  onStoreDown: fc.constantFrom("wait" as const, "wait" as const, "process" as const),
  deadLetter: fc.constantFrom("publish" as const, "reject" as const, "none" as const),
  lettersLost: fc.nat(1),
  messages: fc.array(
    fc.record({
      copies: fc.integer({ min: 1, max: 4 }),
      runs: fc.array(run, { maxLength: 5 }),
      usual: fc.record({
        lastsMs: fc.constantFrom(0, 1_000, 4_000, 4_900),
        ends: fc.constant("resolves" as const),
        onAbort: fc.constantFrom<RunPlan["onAbort"][]>("unaware", "goes on", "throws", "returns"),
      }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  slow: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  mute: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  faults: fc.array(fc.tuple(...VERBS.map(() => calls)), { minLength: 3, maxLength: 3 }),
  steps: fc.array(step, { maxLength: 40, size: "max" }),
});

/** Breaks the first calls of a worker as planned. */
export function planned(
  faults: Scenario["faults"][number] | undefined,
  tell: (verb: StoreVerb, script: readonly (StoreFault | undefined)[]) => void,
): void {
  for (const [place, verb] of VERBS.entries()) tell(verb, faults?.[place] ?? []);
}
