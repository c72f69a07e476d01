import { claimCycle } from "./claim-cycle.js";
import type { ScenarioResult } from "./contest.js";
import type { Effort } from "./effort.js";
import { growth } from "./growth.js";
import { kafka } from "./kafka.js";
import { layouts } from "./layouts.js";
import { rabbitmq } from "./rabbitmq.js";
import { recordMemory } from "./record-memory.js";
import { roundTrips } from "./round-trips.js";
import { telemetry } from "./telemetry.js";

export type Benchmark = (
  effort: Effort,
  onResult: (result: ScenarioResult) => void,
) => Promise<void>;

export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  "claim-cycle": claimCycle,
  "round-trips": roundTrips,
  "record-memory": recordMemory,
  growth,
  layouts,
  telemetry: ({ rounds }, onResult) => telemetry(rounds, onResult),
  rabbitmq,
  kafka,
};
