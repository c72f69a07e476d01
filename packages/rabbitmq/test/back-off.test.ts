import { describe, expect, it } from "vitest";
import {
  backOffMs,
  boundedDelayMs,
  busyDelayMs,
  isDelayMs,
  longestBackOffMs,
} from "../src/back-off.js";

const ALMOST_ONE = 1 - Number.EPSILON;

describe("the default back-off", () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [5, 16_000],
    [6, 30_000],
    [7, 30_000],
    [10_000, 30_000],
    [0, 1_000],
    [-3, 1_000],
  ])("after attempt %i is %i ms", (attempt, expected) => {
    expect(backOffMs(attempt, 0)).toBe(expected);
  });

  it("is less up to a fifth, by chance", () => {
    expect(backOffMs(2, 0.5)).toBe(1_800);
    expect(backOffMs(2, ALMOST_ONE)).toBe(1_600);
    expect(longestBackOffMs(0)).toBe(30_000);
    expect(longestBackOffMs(ALMOST_ONE)).toBe(24_000);
  });
});

describe("the delay for a busy key", () => {
  it.each([
    [undefined, 0, 1_000],
    [0, 0, 1_000],
    [10, 0, 1_000],
    [2_500, 0, 2_500],
    [undefined, ALMOST_ONE, 1_200],
    [2_500, ALMOST_ONE, 3_000],
  ])("with retryAfterMs %s and chance %f is %i ms: never below 1 s", (after, random, expected) => {
    expect(busyDelayMs(after, random)).toBe(expected);
  });
});

describe("a delay", () => {
  it.each([
    [5_000, 60_000, 5_000],
    [60_000, 5_000, 5_000],
    [60_000, 0, 1_000],
    [60_000, -20_000, 1_000],
    [200, -20_000, 200],
  ])("of %i ms with %i ms left is cut to %i ms", (delayMs, holdLeftMs, expected) => {
    expect(boundedDelayMs(delayMs, holdLeftMs)).toBe(expected);
  });

  it("never exceeds what a timer can keep", () => {
    expect(boundedDelayMs(1e12, 1e12)).toBe(2_147_483_647);
  });

  it.each([0, 1, 0.5, 2_147_483_647])("may be %d", (value) => {
    expect(isDelayMs(value)).toBe(true);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2_147_483_648, "5", null, undefined, 5n])(
    "may not be %s",
    (value) => {
      expect(isDelayMs(value)).toBe(false);
    },
  );
});
