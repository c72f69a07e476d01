import { quote, refuseUnknown, requireInteger, requireObject } from "@onlyonce/core/internal";

/** One record for each key: who did the work and where, fingerprints, results. 113 bytes a key or more. */
export interface KeysLayout {
  readonly kind: "keys";
}

/**
 * Of a completed key only a 64-bit number is kept, in sets that are deleted as a whole: about 10 bytes a key. Duplicates
 * come without origin, and neither fingerprints nor results can be kept. A key that was never seen is taken for a
 * completed one with the chance that `plan` tells, below 1e-13. A key is forgotten up to one slice late, never early.
 *
 * What is remembered is found only under the same `sliceMs` and `expectedPerWindow`: how to change them is written in the guide.
 */
export interface CompactLayout {
  readonly kind: "compact";
  /** The longest window that may be asked for, in milliseconds; from 1,000. */
  readonly windowMs: number;
  /**
   * Keys that are completed in one `windowMs`, with all that share this prefix, from 1 to 10 billion. With 2.5 times as
   * many all is well; beyond that a key costs 60 bytes until its slice is gone.
   */
  readonly expectedPerWindow: number;
  /**
   * How long one set is added to, in milliseconds, from `windowMs` / 32 to `windowMs`. Shorter slices forget more exactly,
   * and every claim looks into `windowMs` / `sliceMs` + 1 sets.
   * @defaultValue a quarter of `windowMs`
   */
  readonly sliceMs?: number;
  /**
   * How long a completed key has a record of 113 bytes beside its number, in milliseconds; at most for its window. The
   * record answers copies of a completion, and lets processes with another layout know the key.
   * @defaultValue a lease and a quarter, which is the least
   */
  readonly keepRecordsMs?: number;
}

export type Layout = KeysLayout | CompactLayout;

/** How numbers are spread over sets. */
export interface Slices {
  readonly windowMs: number;
  readonly sliceMs: number;
  /** Sets that may hold a number. */
  readonly setsPerKey: number;
  /** Sets that one slice of one slot group is spread over. */
  readonly buckets: number;
  readonly keepRecordsMs: number;
}

/** The first characters of keys, each of them with a slot of its own. */
const SLOT_GROUPS = 64;
/** Well below the 512 at which a set of integers becomes a table. */
const NUMBERS_PER_SET = 200;
const MAX_BUCKETS = 2 ** 20;
export const MAX_SLICES = 32;
const LONGEST_WINDOW_MS = 3_650 * 86_400_000;

const COMPACT_OPTIONS = [
  "kind",
  "windowMs",
  "expectedPerWindow",
  "sliceMs",
  "keepRecordsMs",
] as const satisfies readonly (keyof CompactLayout)[];

/** Undefined: one record for each key. */
export function resolveLayout(layout: unknown): Slices | undefined {
  requireObject("layout", layout);
  const { kind } = layout;
  if (kind === "keys") {
    refuseUnknown("layout", layout, ["kind"]);
    return undefined;
  }
  if (kind !== "compact") {
    throw new RangeError(`layout.kind must be "keys" or "compact", got ${quote(kind)}`);
  }
  refuseUnknown("layout", layout, COMPACT_OPTIONS);
  const whole = (name: keyof CompactLayout, min: number, max: number): number =>
    requireInteger(`layout.${name}`, layout[name], min, max);
  const windowMs = whole("windowMs", 1_000, LONGEST_WINDOW_MS);
  const expected = whole("expectedPerWindow", 1, 1e10);
  return slicesOf(
    windowMs,
    expected,
    layout.sliceMs === undefined
      ? undefined
      : whole("sliceMs", Math.ceil(windowMs / MAX_SLICES), windowMs),
    layout.keepRecordsMs === undefined ? 0 : whole("keepRecordsMs", 0, LONGEST_WINDOW_MS),
  );
}

export function slicesOf(
  windowMs: number,
  expectedPerWindow: number,
  sliceMs: number = Math.ceil(windowMs / 4),
  keepRecordsMs = 0,
): Slices {
  const perSliceAndGroup = (expectedPerWindow * sliceMs) / windowMs / SLOT_GROUPS;
  const buckets = Math.ceil(perSliceAndGroup / NUMBERS_PER_SET);
  return {
    windowMs,
    sliceMs,
    setsPerKey: Math.ceil(windowMs / sliceMs) + 1,
    buckets: Math.min(MAX_BUCKETS, Math.max(1, buckets)),
    keepRecordsMs,
  };
}
