import fc from "fast-check";
import type { StoreVerb } from "./faulty-store.js";
import {
  Advance,
  AdvanceTo,
  ArriveLate,
  type Command,
  Crash,
  Damage,
  type Errand,
  Forget,
  Send,
} from "./model-commands.js";
import type { ModelRun } from "./model-run.js";

/** How time goes in a run. */
export type Pace =
  /** The test moves it, to the millisecond. */
  | "manual"
  /** It is real, and no lease or window ends within a run. */
  | "still"
  /** It is real, and some leases and windows are so short that they end within a run. */
  | "moving";

interface Terms {
  readonly leaseMs: number;
  readonly windowMs: number;
}

/** A window is never shorter than the lease: policies see to that. */
const TERMS: Readonly<Record<Pace, readonly Terms[]>> = {
  manual: [
    { leaseMs: 1_000, windowMs: 5_000 },
    { leaseMs: 20, windowMs: 5_000 },
    { leaseMs: 20, windowMs: 100 },
    { leaseMs: 50, windowMs: 50 },
  ],
  still: [{ leaseMs: 60_000, windowMs: 600_000 }],
  moving: [
    { leaseMs: 60_000, windowMs: 600_000 },
    { leaseMs: 30, windowMs: 600_000 },
    { leaseMs: 50, windowMs: 600_000 },
    { leaseMs: 40, windowMs: 90 },
  ],
};

const STEPS_MS: Readonly<Record<Pace, readonly number[]>> = {
  manual: [1, 19, 20, 30, 100],
  still: [],
  moving: [15, 35],
};

/** Claims most of all: what is completed stays so, and then a key shows little more. */
const VERBS: readonly fc.WeightedArbitrary<StoreVerb>[] = [
  { weight: 6, arbitrary: fc.constant("claim") },
  { weight: 3, arbitrary: fc.constant("release") },
  { weight: 2, arbitrary: fc.constant("start") },
  { weight: 2, arbitrary: fc.constant("renew") },
  { weight: 2, arbitrary: fc.constant("complete") },
  { weight: 1, arbitrary: fc.constant("remember") },
];

const key = fc.nat(1);
const worker = fc.nat(2);

function errands(pace: Pace): fc.Arbitrary<Errand> {
  return fc
    .record({
      verb: fc.oneof(...VERBS),
      worker,
      keys: fc.oneof(
        { weight: 3, arbitrary: key.map((one) => [one]) },
        { weight: 1, arbitrary: fc.array(key, { minLength: 1, maxLength: 4 }) },
      ),
      fate: fc.constantFrom(
        ...(["answered", "answered", "answered", "twice", "unanswered", "held"] as const),
      ),
      isFresh: fc.constantFrom(false, false, false, true),
      grant: fc.constantFrom(...(["last", "last", "last", "first", "none"] as const)),
      as: fc.constantFrom(...(["failed", "unstarted", "reset"] as const)),
      terms: fc.constantFrom(...TERMS[pace]),
      origin: fc.constantFrom(...(["none", "coordinates", "both"] as const)),
      fingerprint: fc.constantFrom(...([undefined, undefined, "one", "two"] as const)),
      result: fc.constantFrom(undefined, undefined, [], [0, 255, 7]),
    })
    .map(({ terms, ...errand }) => ({ ...errand, ...terms }));
}

/** What happens beside the calls. */
function events(pace: Pace): readonly fc.WeightedArbitrary<Command>[] {
  const pauses = STEPS_MS[pace].map((ms) => new Advance(ms));
  const ends = fc.constantFrom("leaseEnd" as const, "leaseEnd" as const, "expiry" as const);
  const offsets = fc.constantFrom(0 as const, 1 as const, -1 as const);
  const damages = fc.constantFrom("lost" as const, "malformed" as const, "newer" as const);
  const looks = fc.option(fc.nat(9), { nil: undefined });
  const wait = fc.tuple(key, ends, offsets).map((args) => new AdvanceTo(...args));
  return [
    { weight: 4, arbitrary: fc.nat(40).map((place) => new ArriveLate(place)) },
    ...(pauses.length === 0 ? [] : [{ weight: 1, arbitrary: fc.constantFrom(...pauses) }]),
    ...(pauses.length === 0 ? [] : [{ weight: 3, arbitrary: wait }]),
    { weight: 1, arbitrary: worker.map((one) => new Crash(one)) },
    { weight: 1, arbitrary: fc.tuple(key, damages).map((args) => new Damage(...args)) },
    { weight: 1, arbitrary: fc.tuple(key, looks).map((args) => new Forget(...args)) },
  ];
}

/** Sequences of steps, at most so many. */
export function sequences(
  pace: Pace,
  maxCommands: number,
): fc.Arbitrary<Iterable<fc.AsyncCommand<ModelRun, unknown>>> {
  const errand = errands(pace);
  const one = errand.map((each) => new Send(each));
  const several = fc.tuple(errand, errand).map((both) => new Send(...both));
  return fc.commands<ModelRun, unknown, false>(
    [fc.oneof({ weight: 12, arbitrary: one }, { weight: 2, arbitrary: several }, ...events(pace))],
    { maxCommands, size: "max" },
  );
}
