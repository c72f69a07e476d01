import type { Benchmark } from "./benchmarks.js";
import { claimCycle } from "./claim-cycle.js";
import type { ScenarioResult } from "./contest.js";
import type { Effort } from "./effort.js";
import { type FallenRatio, fallenLine, fallenRatios, fallenTwice } from "./gate.js";
import { describeMachine } from "./report.js";
import { COMMITTED_RESULTS, readResults } from "./results.js";
import { run } from "./run.js";

const FIRST: Effort = { rounds: 3, quick: true };
/** What seems to have fallen is measured once more, and longer: other work on the machine must not fail a build. */
const SECOND: Effort = { rounds: 9, quick: true };

const committed = readResults(COMMITTED_RESULTS)["claim-cycle"]?.results ?? [];
if (committed.length === 0) throw new Error(`no claim-cycle in ${COMMITTED_RESULTS.pathname}`);

const machine = await describeMachine();
const measured = await claimCycleOf(FIRST);
const suspects = fallenRatios(committed, measured);
const fallen = suspects.length === 0 ? [] : fallenTwice(suspects, await fallenAgain(suspects));
for (const ratio of fallen) console.error(`Under 60 % of the committed one: ${fallenLine(ratio)}`);
if (fallen.length === 0) console.log("No ratio fell under 60 % of the committed one.");
else process.exitCode = 1;

async function fallenAgain(suspects: readonly FallenRatio[]): Promise<readonly FallenRatio[]> {
  const scenarios = new Set(suspects.map(({ scenario }) => scenario));
  return fallenRatios(committed, await claimCycleOf(SECOND, scenarios));
}

async function claimCycleOf(
  effort: Effort,
  only?: ReadonlySet<string>,
): Promise<readonly ScenarioResult[]> {
  const benchmark: Benchmark = (how, onResult) => claimCycle(how, onResult, only);
  const { results } = await run(benchmark, effort, machine, (table) => console.log(`${table}\n`));
  return results;
}
