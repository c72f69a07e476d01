import { describe, expect, it } from "vitest";
import type { DrawnSpan } from "../src/telemetry-files.js";
import { countLines, duplicateLines } from "../src/trace-report.js";

const ORIGINAL: DrawnSpan = {
  consumer: "payments-1",
  name: "process payments",
  traceId: "t1",
  spanId: "s1",
  outcome: "processed",
  kind: "undefined",
  ageSeconds: Number.NaN,
};

function duplicateOf(original: DrawnSpan, consumer: string, spanId: string): DrawnSpan {
  const { traceId, spanId: target } = original;
  const link = { type: "original", traceId, spanId: target };
  const drawn = { consumer, spanId, outcome: "duplicate", kind: "republish", ageSeconds: 1.25 };
  return { ...original, ...drawn, traceId: "t2", link };
}

describe("the report of a traced run", () => {
  it("shows a duplicate of another process before one of the same", () => {
    const same = duplicateOf(ORIGINAL, "payments-1", "s2");
    const other = duplicateOf(ORIGINAL, "payments-3", "s3");
    expect(duplicateLines([ORIGINAL, same, other]).slice(1)).toEqual([
      "  trace t1",
      "    process payments  payments-1  processed",
      "  trace t2",
      "    process payments  payments-3  duplicate (republish), 1.3 s after the first claim",
      '      link (original) to "process payments" of payments-1, trace t1',
    ]);
  });

  it("says so where nothing was linked", () => {
    const dangling = duplicateOf({ ...ORIGINAL, spanId: "gone" }, "payments-2", "s2");
    expect(duplicateLines([ORIGINAL, dangling])).toEqual([
      "OpenTelemetry: no duplicate was linked to its original.",
    ]);
  });

  it("sums up what all consumers have counted", () => {
    const [line] = countLines([{ processed: 1_000, busy: 1 }, {}, { processed: 5, duplicate: 2 }]);
    expect(line).toContain("busy 1 · duplicate 2 · processed 1,005");
  });
});
