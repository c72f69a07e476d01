import { describe, expect, it } from "vitest";
import { backOffMs, LONGEST_BACK_OFF_MS, longestBackOffMs } from "../src/back-off.js";

describe("the back-off", () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [5, 16_000],
    [6, 30_000],
    [7, 30_000],
    [1_000_000, 30_000],
    [0, 1_000],
  ])("after attempt %i is %i ms, less what is left to chance", (attempt, delayMs) => {
    expect(backOffMs(attempt, 0)).toBe(delayMs);
    expect(backOffMs(attempt, 0.5)).toBe(delayMs * 0.9);
    expect(backOffMs(attempt, 0.999_999)).toBeGreaterThanOrEqual(delayMs * 0.8);
  });

  it("at its longest is 30 s, less what is left to chance", () => {
    expect(longestBackOffMs(0)).toBe(LONGEST_BACK_OFF_MS);
    expect(longestBackOffMs(0.5)).toBe(27_000);
  });
});
