import { writeFileSync } from "node:fs";
import { parseArguments } from "./arguments.js";
import { claimCycle } from "./claim-cycle.js";
import type { ScenarioResult } from "./contest.js";
import { kafka } from "./kafka.js";
import { rabbitmq } from "./rabbitmq.js";
import { recordMemory } from "./record-memory.js";
import { lineOf, reportOf } from "./report.js";
import { telemetry } from "./telemetry.js";

type Benchmark = (rounds: number, onResult: (result: ScenarioResult) => void) => Promise<void>;

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  "claim-cycle": claimCycle,
  "record-memory": recordMemory,
  rabbitmq,
  kafka,
  telemetry,
};

try {
  const { scenario, rounds, json } = parseArguments(process.argv.slice(2), Object.keys(BENCHMARKS));
  const results: ScenarioResult[] = [];
  await BENCHMARKS[scenario]?.(rounds, (result) => {
    results.push(result);
    console.log(lineOf(result));
  });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(reportOf(results), null, 2)}\n`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
