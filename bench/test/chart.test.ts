import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chartOf, type Panel } from "../src/chart.js";
import { panelsOf, sourceOf } from "../src/panels.js";
import { COMMITTED_CHART, COMMITTED_RESULTS, readResults } from "../src/results.js";

const PANEL: Panel = {
  title: "Messages a second",
  bars: [
    { label: "onlyonce", value: 80_000, kind: "ours" },
    { label: "<GET> & SET", value: 20_000, kind: "peer" },
    { label: "limit", value: 1, kind: "limit" },
  ],
};

describe("the chart", () => {
  const svg = chartOf([PANEL], "Node & Redis");

  it("draws bars as long as their values, and none of them invisible", () => {
    const widths = [...svg.matchAll(/<rect class="(\w+)" .*? width="(\d+)"/g)];
    expect(widths.map(([, kind, width]) => [kind, Number(width)])).toEqual([
      ["ours", 400],
      ["peer", 100],
      ["limit", 1],
    ]);
  });

  it("tells every figure in words, with nothing that XML would choke on", () => {
    expect(svg).toContain("<desc>Messages a second: onlyonce 80,000, &lt;GET&gt; &amp; SET 20,000");
    expect(svg).not.toMatch(/&(?!amp;|lt;|gt;)/);
  });

  it("follows the reader's colour scheme", () => {
    expect(svg).toContain("@media (prefers-color-scheme: dark)");
  });

  it("that is committed shows the results that are committed", () => {
    const results = readResults(COMMITTED_RESULTS);
    expect(panelsOf(results)).toHaveLength(4);
    expect(readFileSync(COMMITTED_CHART, "utf8")).toBe(
      chartOf(panelsOf(results), sourceOf(results)),
    );
  });
});
