import type { Benchmark } from "./benchmarks.js";
import type { ScenarioResult } from "./contest.js";
import type { Effort } from "./effort.js";
import { type BenchmarkReport, describeCommit, loadNow, type Machine } from "./report.js";
import { tableOf } from "./tables.js";

/** Runs one benchmark, and tells each scenario once it is through. */
export async function run(
  benchmark: Benchmark,
  { rounds, quick }: Effort,
  machine: Machine,
  tell: (table: string) => void,
): Promise<BenchmarkReport> {
  const before = loadNow();
  const commit = describeCommit();
  const results: ScenarioResult[] = [];
  let scenario: ScenarioResult[] = [];
  const tellScenario = (): void => {
    if (scenario.length > 0) tell(tableOf(scenario));
    scenario = [];
  };
  await benchmark({ rounds, quick }, (result) => {
    if (scenario[0]?.name !== result.name) tellScenario();
    scenario.push(result);
    results.push(result);
  });
  tellScenario();
  return { machine, commit, rounds, quick, load: { before, after: loadNow() }, results };
}
