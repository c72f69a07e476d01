import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { ScenarioResult } from "./contest.js";
import type { BenchmarkReport } from "./report.js";

/** By the name of the benchmark: each tells when and where it was run. */
export type Results = Readonly<Record<string, BenchmarkReport>>;

export const COMMITTED_RESULTS: URL = new URL("../results.json", import.meta.url);
export const COMMITTED_CHART: URL = new URL("../../docs/bench.svg", import.meta.url);

/** Nothing where there is no such file. */
export function readResults(path: URL | string): Results {
  if (!existsSync(path)) return {};
  return JSON.parse(readFileSync(path, "utf8")) as Results;
}

/** Benchmarks that the file holds and that were not run now stay as they are. */
export function mergeResults(path: URL | string, results: Results): Results {
  const merged = { ...readResults(path), ...results };
  writeFileSync(path, `${JSON.stringify(merged, null, 2)}\n`);
  return merged;
}

export function allOf(results: Results): readonly ScenarioResult[] {
  return Object.values(results).flatMap((report) => report.results);
}
