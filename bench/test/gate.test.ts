import { describe, expect, it } from "vitest";
import type { ScenarioResult, Unit } from "../src/contest.js";
import { fallenLine, fallenRatios, fallenTwice } from "../src/gate.js";

function result(unit: Unit, ratio: number, name = "new, 64 at once"): ScenarioResult {
  return {
    name,
    unit,
    values: { onlyonce: 100 * ratio, peer: 100 },
    ratios: { onlyonce: { peer: ratio } },
  };
}

describe("the gate", () => {
  it("lets a ratio through that is 60 % of the committed one", () => {
    expect(fallenRatios([result("messages/s", 10)], [result("messages/s", 6)])).toEqual([]);
  });

  it("names a ratio that is less than 60 % of the committed one", () => {
    const [fallen, ...others] = fallenRatios(
      [result("messages/s", 10), result("messages/s", 2, "mixed, 64 at once")],
      [result("messages/s", 5.9), result("messages/s", 2, "mixed, 64 at once")],
    );
    expect(others).toEqual([]);
    expect(fallen && fallenLine(fallen)).toBe(
      "new, 64 at once [messages/s]: onlyonce ÷ peer is 5.9, committed 10",
    );
  });

  it.each(["Node µs/message", "Redis µs/message"] as const)(
    "knows that less is better in %s",
    (unit) => {
      expect(fallenRatios([result(unit, 0.6)], [result(unit, 0.1)])).toEqual([]);
      expect(fallenRatios([result(unit, 0.6)], [result(unit, 0.99)])).toEqual([]);
      expect(fallenRatios([result(unit, 0.6)], [result(unit, 1.01)])).toHaveLength(1);
    },
  );

  it("does not judge the latencies of a short run", () => {
    expect(fallenRatios([result("p50 µs", 0.1)], [result("p50 µs", 5)])).toEqual([]);
    expect(fallenRatios([result("p99 µs", 0.1)], [result("p99 µs", 5)])).toEqual([]);
  });

  it("believes what fell twice", () => {
    const committed = [result("messages/s", 10), result("Node µs/message", 0.2)];
    const once = fallenRatios(committed, [result("messages/s", 1), result("Node µs/message", 0.2)]);
    const other = fallenRatios(committed, [result("messages/s", 9), result("Node µs/message", 2)]);
    expect(fallenTwice(once, other)).toEqual([]);
    expect(fallenTwice(once, [...once, ...other])).toEqual(once);
  });

  it("does not let a scenario or a contestant vanish", () => {
    const committed = [result("messages/s", 10)];
    expect(fallenRatios(committed, [])).toHaveLength(1);
    expect(fallenRatios(committed, [{ ...result("messages/s", 10), ratios: {} }])).toHaveLength(1);
    const [fallen] = fallenRatios(committed, [result("Node µs/message", 10)]);
    expect(fallen && fallenLine(fallen)).toContain("was not measured");
  });

  it("does not take a ratio that could not be computed for a good one", () => {
    expect(
      fallenRatios([result("messages/s", 10)], [result("messages/s", Number.NaN)]),
    ).toHaveLength(1);
  });
});
