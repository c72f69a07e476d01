import { describe, expect, test } from "vitest";
import {
  bloomErrorRate,
  bloomShape,
  cuckooFingerprintBits,
  cuckooShape,
} from "../src/filter-formulas.js";
import { type PlanRequest, plan, type RedisCommands, redisStore } from "../src/index.js";
import { newKeys } from "./redis-lab.js";

const DAY_MS = 86_400_000;
const LOAD = { ratePerSecond: 1_000, windowMs: DAY_MS } as const;

describe("the formulas of filters", () => {
  test.each([
    [0.1, 4.79, 3],
    [0.01, 9.59, 7],
    [0.001, 14.38, 10],
    [1e-6, 28.76, 20],
  ])("a Bloom filter for %d takes %d bits a key and %d hashes", (rate, bits, hashes) => {
    const shape = bloomShape(rate);
    expect(shape.bitsPerKey).toBeCloseTo(bits, 2);
    expect(shape.hashes).toBe(hashes);
    expect(shape.errorRate / rate).toBeGreaterThan(0.99);
    expect(shape.errorRate / rate).toBeLessThan(1.04);
  });

  test("a Bloom filter of 8 bits a key and 6 hashes is wrong 2.16 times in a hundred", () => {
    expect(bloomErrorRate(8, 6)).toBeCloseTo(0.0216, 4);
  });

  test.each([
    [1, 0.5, 16],
    [2, 0.84, 9.52],
    [4, 0.95, 8.42],
    [8, 0.98, 8.16],
  ] as const)(
    "a cuckoo filter with %d keys a bucket is filled to %d, at %d bits a key",
    (bucketSize, load, bits) => {
      const shape = cuckooShape(8, bucketSize);
      expect(shape.load).toBe(load);
      expect(shape.bitsPerKey).toBeCloseTo(bits, 2);
      // At most 2 × bucket size fingerprints are compared, each equal once in 2^8.
      expect(shape.errorRate).toBeLessThan((2 * bucketSize) / 256);
      expect(shape.errorRate).toBeGreaterThan((0.9 * 2 * bucketSize * load) / 256);
    },
  );

  test("fingerprint bits are what the rate and the comparisons take", () => {
    expect(cuckooFingerprintBits(0.03, 4)).toBe(9);
    expect(cuckooFingerprintBits(0.001, 4)).toBe(13);
    for (const rate of [0.1, 0.01, 1e-6]) {
      const bits = cuckooFingerprintBits(rate, 2);
      expect(cuckooShape(bits, 2).errorRate).toBeLessThanOrEqual(rate);
    }
  });

  test("a Bloom filter made by the formula is wrong as often as it says, within five standard deviations", () => {
    const keys = 20_000;
    const { bitsPerKey, hashes, errorRate } = bloomShape(0.01);
    const size = Math.ceil(keys * bitsPerKey);
    const bits = new Uint8Array(size);
    const placesOf = (key: string): number[] => {
      const bytes = Buffer.from(key, "base64url");
      const [first, second] = [bytes.readUInt32LE(0), (bytes.readUInt32LE(4) | 1) >>> 0];
      return Array.from({ length: hashes }, (_, turn) => (first + turn * second) % size);
    };
    for (const key of newKeys(keys)) for (const place of placesOf(key)) bits[place] = 1;
    const tries = 100_000;
    const wrong = newKeys(tries).filter((key) => placesOf(key).every((at) => bits[at] === 1));
    const deviation = Math.sqrt(tries * errorRate);
    expect(Math.abs(wrong.length - tries * errorRate)).toBeLessThan(
      5 * deviation + 0.1 * tries * errorRate,
    );
  });
});

describe("plan", () => {
  test("a thousand messages a second for a day take 10 to 18 GB with records, and about a gigabyte with numbers", () => {
    const bare = plan({ ...LOAD, layout: "keys", origins: false });
    const full = plan({ ...LOAD, layout: "keys" });
    const compact = plan({ ...LOAD, layout: "compact" });
    expect(bare).toMatchObject({ keys: 86_400_000, bytesPerKey: 113 });
    expect(bare.bytes / 1e9).toBeCloseTo(9.8, 1);
    expect(full.bytes / 1e9).toBeCloseTo(18.1, 1);
    expect(compact.keys).toBe(108_000_000);
    expect(compact.bytesPerKey).toBeLessThan(10);
    expect(compact.bytes / 1e9).toBeCloseTo(1.07, 1);
  });

  test("what it plans for the compact layout is an option that the store takes", () => {
    const { compact } = plan({ ...LOAD, layout: "compact", sliceMs: 3_600_000 });
    const redis = { evalsha: () => undefined, eval: () => undefined } as unknown as RedisCommands;
    if (compact === undefined) throw new Error("no compact plan");
    expect(compact.layout).toEqual({
      kind: "compact",
      windowMs: DAY_MS,
      expectedPerWindow: 86_400_000,
      sliceMs: 3_600_000,
    });
    expect(() => redisStore(redis, { layout: compact.layout })).not.toThrow();
    expect(compact.setsPerKey).toBe(25);
    expect(compact.numbersPerSet).toBeGreaterThan(100);
    expect(compact.numbersPerSet).toBeLessThanOrEqual(200);
    expect(compact.sets * compact.numbersPerSet).toBeCloseTo(86_400_000 * (25 / 24), -3);
  });

  test("numbers drop a message wrongly less often than once in a million years, filters every day", () => {
    const dropsOf = (request: PlanRequest): number => plan(request).wrongDropsPerDay;
    expect(dropsOf({ ...LOAD, layout: "keys" })).toBeLessThan(1e-20);
    expect(dropsOf({ ...LOAD, layout: "compact" }) * 365 * 1e3).toBeLessThan(0.01);
    expect(dropsOf({ ...LOAD, layout: "bloom" })).toBeGreaterThan(80);
    expect(dropsOf({ ...LOAD, layout: "cuckoo" })).toBeGreaterThan(1e6);
  });

  test("the rate that is asked of filters holds over all generations that a look-up asks", () => {
    for (const layout of ["bloom", "cuckoo"] as const) {
      for (const generations of [1, 2, 8]) {
        const planned = plan({ ...LOAD, layout, errorRate: 1e-4, generations });
        expect(planned.filter?.generationsAsked).toBe(generations + 1);
        expect(planned.filter?.capacity).toBe(86_400_000 / generations);
        expect(planned.wrongDropChance).toBeLessThan(1.05e-4);
      }
    }
    const perKey = plan({ ...LOAD, layout: "bloom" }).bytesPerKey;
    expect(perKey).toBeCloseTo(bloomShape(1e-6 / 3).bitsPerKey / 8, 6);
  });

  test("the server's time grows with the rate, with duplicates and with slices", () => {
    const cpuOf = (more: object): number =>
      plan({ ...LOAD, layout: "compact", ...more } as PlanRequest).redisCpu;
    const usual = cpuOf({});
    expect(cpuOf({ ratePerSecond: 2_000 })).toBeCloseTo(2 * usual, 9);
    expect(cpuOf({ deliveriesPerMessage: 1.5 })).toBeGreaterThan(usual);
    expect(cpuOf({ sliceMs: DAY_MS })).toBeLessThan(usual);
    expect(usual).toBeGreaterThan(0.005);
    expect(usual).toBeLessThan(0.05);
  });

  test.each([
    [{ ...LOAD, layout: "slices" }, /layout must be one of keys, compact, bloom, cuckoo/],
    [{ ...LOAD, layout: "keys", ratePerSecond: 0 }, /ratePerSecond must be more than 0 .*got 0/],
    [{ ...LOAD, layout: "keys", ratePerSecond: Number.NaN }, /ratePerSecond .*got NaN/],
    [{ ...LOAD, layout: "keys", windowMs: "1d" }, /windowMs must be a number, got "1d"/],
    [{ ...LOAD, layout: "keys", sliceMs: 5 }, /unknown option "sliceMs" in plan/],
    [{ ...LOAD, layout: "compact", sliceMs: 5 }, /sliceMs must be a whole number from 2700000/],
    [{ ...LOAD, layout: "compact", deliveriesPerMessage: 0.5 }, /at least 1, got 0.5/],
    [{ ...LOAD, layout: "bloom", errorRate: 1 }, /errorRate must be between 0 and 1, got 1/],
    [{ ...LOAD, layout: "bloom", generations: 0 }, /generations .* got 0/],
    [{ ...LOAD, layout: "cuckoo", bucketSize: 3 }, /bucketSize must be 1, 2, 4 or 8, got 3/],
  ])("behaviour 50: %j throws", (request, message) => {
    expect(() => plan(request as never)).toThrow(message);
  });
});
