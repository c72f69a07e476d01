import { describe, expect, it } from "vitest";
import { BUDGETS, type Budget, budgetTable, measuredFor, standingOf } from "../src/budgets.js";
import type { ScenarioResult } from "../src/contest.js";
import { allOf, COMMITTED_RESULTS, readResults } from "../src/results.js";

const AT_LEAST_TWO: Budget = {
  what: "throughput",
  scenario: "new, 64 at once",
  unit: "messages/s",
  of: "onlyonce",
  dividedBy: "powertools",
  better: "more",
  must: 2,
  aim: 3,
};

const RESULT: ScenarioResult = {
  name: "new, 64 at once",
  unit: "messages/s",
  values: { onlyonce: 250, powertools: 100 },
  ratios: { onlyonce: { powertools: 2.4 } },
};

describe("a budget", () => {
  it("is held against the median of ratios, not the ratio of medians", () => {
    expect(measuredFor(AT_LEAST_TWO, [RESULT])).toBe(2.4);
    const { dividedBy: _, ...plain } = AT_LEAST_TWO;
    expect(measuredFor(plain, [RESULT])).toBe(250);
  });

  it("is missed, met, or met as far as we aim", () => {
    const figures = [1.99, 2, 2.99, 3];
    expect(figures.map((figure) => standingOf(AT_LEAST_TWO, figure))).toEqual([
      "MISSED",
      "met",
      "met",
      "aim reached",
    ]);
    const atMost: Budget = { ...AT_LEAST_TWO, better: "less", must: 3, aim: 2 };
    expect([3.01, 3, 2.01, 2].map((figure) => standingOf(atMost, figure))).toEqual([
      "MISSED",
      "met",
      "met",
      "aim reached",
    ]);
  });

  it("is not met by what was not measured", () => {
    expect(standingOf(AT_LEAST_TWO, measuredFor(AT_LEAST_TWO, []))).toBe("not measured");
    expect(standingOf(AT_LEAST_TWO, Number.NaN)).toBe("not measured");
  });

  it("has a line in the table, measured or not", () => {
    expect(budgetTable([], { onlyMeasured: false }).split("\n")).toHaveLength(BUDGETS.length + 1);
    expect(budgetTable([], { onlyMeasured: true })).toBe("");
  });

  it("finds its figure in the committed results", () => {
    const results = allOf(readResults(COMMITTED_RESULTS));
    const unmeasured = BUDGETS.filter((budget) => measuredFor(budget, results) === undefined);
    expect(unmeasured.map(({ what }) => what)).toEqual([]);
  });
});
