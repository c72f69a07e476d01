import {
  quote,
  refuseUnknown,
  requireInteger,
  requireObject,
  requireOneOf,
} from "@onlyonce/core/internal";
import {
  type BloomShape,
  bloomShape,
  type CuckooBucketSize,
  type CuckooShape,
  cuckooFingerprintBits,
  cuckooShape,
} from "./filter-formulas.js";
import { type CompactLayout, MAX_SLICES, slicesOf } from "./layout-options.js";

interface Load {
  /** Messages a second with a key that was not seen before: the average over a window. */
  readonly ratePerSecond: number;
  /** How long a completed key is remembered, in milliseconds. */
  readonly windowMs: number;
  /** Deliveries for each new message, from 1: 1.1 means that one in eleven is a duplicate. @defaultValue 1 */
  readonly deliveriesPerMessage?: number;
  /** @defaultValue 30_000 */
  readonly leaseMs?: number;
}

export type PlanRequest =
  | (Load & {
      readonly layout: "keys";
      /** Whether records carry a trace link and coordinates. @defaultValue true */
      readonly origins?: boolean;
    })
  | (Load & {
      readonly layout: "compact";
      /** @defaultValue a quarter of `windowMs` */
      readonly sliceMs?: number;
    })
  | (Load & {
      readonly layout: "bloom";
      /** Most never-seen messages that may be dropped, as a share of all. @defaultValue 1e-6 */
      readonly errorRate?: number;
      /** Filters that a window is cut into. @defaultValue 2 */
      readonly generations?: number;
    })
  | (Load & {
      readonly layout: "cuckoo";
      /** As with `bloom`. @defaultValue what fingerprints of 8 bits give */
      readonly errorRate?: number;
      /** Keys in a bucket: 1, 2, 4 or 8. @defaultValue 4 */
      readonly bucketSize?: CuckooBucketSize;
      readonly generations?: number;
    });

/** Numbers of a layout that `redisStore` has. */
export interface CompactPlan {
  readonly layout: CompactLayout;
  /** In one set of integers; 512 and more would make a table of it. */
  readonly numbersPerSet: number;
  readonly sets: number;
  /** Sets that a claim of a new key looks into. */
  readonly setsPerKey: number;
}

/** Numbers for a filter of a server or of your own: `redisStore` has no filter layouts. */
export interface FilterPlan {
  /** Keys that one generation must have room for. */
  readonly capacity: number;
  /** Filters that a look-up asks: those of the window, and the one that is being filled. */
  readonly generationsAsked: number;
  /** Of one generation. */
  readonly shape: BloomShape | CuckooShape;
}

export interface Plan {
  readonly layout: PlanRequest["layout"];
  /** Most keys that are remembered at once, those that are forgotten late among them. */
  readonly keys: number;
  readonly bytesPerKey: number;
  /** Memory at most, claims in flight and records of the last lease included. */
  readonly bytes: number;
  /** The chance that a message that was never seen is taken for a duplicate, and dropped. */
  readonly wrongDropChance: number;
  readonly wrongDropsPerDay: number;
  /** Share of one core of the server: from measurements on one of 2.5 GHz, within a third or so. */
  readonly redisCpu: number;
  readonly compact?: CompactPlan;
  readonly filter?: FilterPlan;
}

const LAYOUTS = ["keys", "compact", "bloom", "cuckoo"] as const;
const DAY_S = 86_400;
/** Growth of used memory, Redis 7.0. A completed record for the last lease and a quarter, or a claim. */
const BYTES = { bareRecord: 113, record: 209, claim: 230, number: 8.9, set: 170 } as const;
/** Of the server, in microseconds: a claim and a completion of a new message, and a duplicate. Of filters: one look-up. */
const MICROS = {
  record: { message: 9.3, duplicate: 2.7 },
  compact: { message: 12.8, messageSet: 2.1, duplicate: 3.3, duplicateSet: 0.7 },
  bloomInLua: 30,
  cuckooNative: 1.6,
} as const;

/** What a layout costs and risks at a load: pure arithmetic, with no server. Throws for a number out of range. */
export function plan(request: PlanRequest): Plan {
  requireObject("plan", request);
  const layout = requireOneOf("layout", request.layout, LAYOUTS);
  refuseUnknown("plan", request, OPTIONS[layout]);
  const load = {
    ratePerSecond: positive("ratePerSecond", request.ratePerSecond, 1e9),
    windowMs: positive("windowMs", request.windowMs, 1e12),
    deliveries: positive("deliveriesPerMessage", request.deliveriesPerMessage ?? 1, 1e6),
    leaseMs: positive("leaseMs", request.leaseMs ?? 30_000, 1e12),
  };
  if (load.deliveries < 1) {
    throw new RangeError(`deliveriesPerMessage must be at least 1, got ${load.deliveries}`);
  }
  switch (request.layout) {
    case "keys":
      return keysPlan(load, request.origins ?? true);
    case "compact":
      return compactPlan(load, request.sliceMs);
    case "bloom":
      return filterPlan(load, request.layout, request.generations ?? 2, (asked) =>
        bloomShape(share("errorRate", request.errorRate ?? 1e-6) / asked),
      );
    case "cuckoo": {
      const { errorRate, bucketSize = 4, generations = 2 } = request;
      if (![1, 2, 4, 8].includes(bucketSize)) {
        throw new RangeError(`bucketSize must be 1, 2, 4 or 8, got ${quote(bucketSize)}`);
      }
      return filterPlan(load, request.layout, generations, (asked) => {
        const bits =
          errorRate === undefined
            ? 8
            : cuckooFingerprintBits(share("errorRate", errorRate) / asked, bucketSize);
        return cuckooShape(bits, bucketSize);
      });
    }
  }
}

const LOAD = ["layout", "ratePerSecond", "windowMs", "deliveriesPerMessage", "leaseMs"] as const;
const OPTIONS = {
  keys: [...LOAD, "origins"],
  compact: [...LOAD, "sliceMs"],
  bloom: [...LOAD, "errorRate", "generations"],
  cuckoo: [...LOAD, "errorRate", "bucketSize", "generations"],
} as const;

interface ResolvedLoad {
  readonly ratePerSecond: number;
  readonly windowMs: number;
  readonly deliveries: number;
  readonly leaseMs: number;
}

type Costs = Pick<Plan, "bytesPerKey" | "wrongDropChance"> & {
  readonly keptMs: number;
  /** Of the server, in microseconds. */
  readonly message: number;
  readonly duplicate: number;
  /** Whether completed keys have a record for a lease and a quarter, too. */
  readonly hasRecords: boolean;
};

function planOf(layout: Plan["layout"], load: ResolvedLoad, costs: Costs): Plan {
  const { ratePerSecond, deliveries, leaseMs } = load;
  const { bytesPerKey, wrongDropChance, keptMs, message, duplicate, hasRecords } = costs;
  const keys = Math.ceil((ratePerSecond * keptMs) / 1000);
  const inLease = (ratePerSecond * leaseMs) / 1000;
  const passing = inLease * (BYTES.claim + (hasRecords ? 1.25 * BYTES.bareRecord : 0));
  return {
    layout,
    keys,
    bytesPerKey,
    bytes: Math.ceil(keys * bytesPerKey + passing),
    wrongDropChance,
    wrongDropsPerDay: wrongDropChance * ratePerSecond * DAY_S,
    redisCpu: (ratePerSecond * (message + (deliveries - 1) * duplicate)) / 1e6,
  };
}

function keysPlan(load: ResolvedLoad, hasOrigins: boolean): Plan {
  return planOf("keys", load, {
    keptMs: load.windowMs,
    bytesPerKey: hasOrigins ? BYTES.record : BYTES.bareRecord,
    wrongDropChance: ((load.ratePerSecond * load.windowMs) / 1000) * 2 ** -128,
    ...MICROS.record,
    hasRecords: false,
  });
}

function compactPlan(load: ResolvedLoad, givenSliceMs: number | undefined): Plan {
  const windowMs = Math.ceil(load.windowMs);
  const expectedPerWindow = Math.max(1, Math.ceil((load.ratePerSecond * windowMs) / 1000));
  const { sliceMs, setsPerKey, buckets } = slicesOf(windowMs, expectedPerWindow, givenSliceMs);
  requireInteger("sliceMs", sliceMs, Math.ceil(windowMs / MAX_SLICES), windowMs);
  const setsPerSlice = 64 * buckets;
  const numbersPerSet = (expectedPerWindow * sliceMs) / windowMs / setsPerSlice;
  return {
    ...planOf("compact", load, {
      keptMs: windowMs + sliceMs,
      bytesPerKey: BYTES.number + BYTES.set / Math.max(1, numbersPerSet),
      wrongDropChance: numbersPerSet * setsPerKey * 2 ** -64,
      message: MICROS.compact.message + MICROS.compact.messageSet * setsPerKey,
      duplicate: MICROS.compact.duplicate + MICROS.compact.duplicateSet * setsPerKey,
      hasRecords: true,
    }),
    compact: {
      layout: { kind: "compact", windowMs, expectedPerWindow, sliceMs },
      numbersPerSet,
      sets: setsPerSlice * setsPerKey,
      setsPerKey,
    },
  };
}

function filterPlan(
  load: ResolvedLoad,
  layout: "bloom" | "cuckoo",
  generations: number,
  shapeFor: (generationsAsked: number) => BloomShape | CuckooShape,
): Plan {
  if (!Number.isInteger(generations) || generations < 1 || generations > 64) {
    throw new RangeError(
      `generations must be a whole number from 1 to 64, got ${quote(generations)}`,
    );
  }
  const generationsAsked = generations + 1;
  const shape = shapeFor(generationsAsked);
  const generationMs = load.windowMs / generations;
  const lookup = layout === "bloom" ? MICROS.bloomInLua : MICROS.cuckooNative;
  return {
    ...planOf(layout, load, {
      keptMs: load.windowMs + generationMs,
      bytesPerKey: shape.bitsPerKey / 8,
      wrongDropChance: -Math.expm1(generationsAsked * Math.log1p(-shape.errorRate)),
      message: MICROS.record.message + (generationsAsked + 1) * lookup,
      duplicate: MICROS.record.duplicate + generationsAsked * lookup,
      hasRecords: true,
    }),
    filter: {
      capacity: Math.ceil((load.ratePerSecond * generationMs) / 1000),
      generationsAsked,
      shape,
    },
  };
}

function positive(name: string, value: unknown, max: number): number {
  if (typeof value !== "number")
    throw new TypeError(`${name} must be a number, got ${quote(value)}`);
  if (!(value > 0 && value <= max)) {
    throw new RangeError(`${name} must be more than 0 and at most ${max}, got ${quote(value)}`);
  }
  return value;
}

function share(name: string, value: unknown): number {
  if (typeof value !== "number" || !(value > 0 && value < 1)) {
    throw new RangeError(`${name} must be between 0 and 1, got ${quote(value)}`);
  }
  return value;
}
