import { writeFileSync } from "node:fs";
import { type BenchArguments, parseArguments } from "./arguments.js";
import { BENCHMARKS } from "./benchmarks.js";
import { budgetTable } from "./budgets.js";
import { chartOf } from "./chart.js";
import { panelsOf, sourceOf } from "./panels.js";
import { type BenchmarkReport, describeMachine } from "./report.js";
import {
  allOf,
  COMMITTED_CHART,
  COMMITTED_RESULTS,
  mergeResults,
  type Results,
} from "./results.js";
import { run } from "./run.js";

try {
  await main(parseArguments(process.argv.slice(2), Object.keys(BENCHMARKS)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** A full run of everything is what is committed; others are written where they are told to. */
async function main({ benchmark, quick, rounds, json, svg }: BenchArguments): Promise<void> {
  const isCommitted = benchmark === undefined && !quick;
  const jsonPath = json ?? (isCommitted ? COMMITTED_RESULTS : undefined);
  const svgPath = svg ?? (isCommitted ? COMMITTED_CHART : undefined);
  const machine = await describeMachine();
  let results: Results = {};
  for (const [name, one] of Object.entries(BENCHMARKS)) {
    if (benchmark !== undefined && name !== benchmark) continue;
    const report = await reportOf(name, () => run(one, { rounds, quick }, machine, tell));
    if (report === undefined) continue;
    results = { ...results, [name]: report };
    // After each of them: the next one may need a service that can't be had.
    if (jsonPath !== undefined) mergeResults(jsonPath, { [name]: report });
  }
  if (jsonPath !== undefined) results = mergeResults(jsonPath, {});
  if (svgPath !== undefined) writeFileSync(svgPath, chartOf(panelsOf(results), sourceOf(results)));
  tell(budgetTable(allOf(results), { onlyMeasured: benchmark !== undefined }));
}

/** What fails must not take the others with it. */
async function reportOf(
  name: string,
  work: () => Promise<BenchmarkReport>,
): Promise<BenchmarkReport | undefined> {
  try {
    return await work();
  } catch (error) {
    console.error(`${name}:`, error);
    process.exitCode = 1;
    return undefined;
  }
}

function tell(text: string): void {
  console.log(`${text}\n`);
}
