import { claimCycleName } from "./claim-cycle.js";
import type { ScenarioResult, Unit } from "./contest.js";
import { GROWTH, GROWTH_MEMORY, keysName } from "./growth.js";
import { topicName } from "./kafka.js";
import { prefetchName } from "./rabbitmq.js";
import { BARE_RECORD, COMPACT_KEY, LINKED_RECORD } from "./record-memory.js";
import { aligned, ratio } from "./tables.js";

/** A figure of a contestant, or of a contestant divided by that of another one. */
export interface Budget {
  readonly what: string;
  readonly scenario: string;
  readonly unit: Unit;
  readonly of: string;
  readonly dividedBy?: string;
  readonly better: "more" | "less";
  /** The figure that must be reached, and the one that is aimed for. */
  readonly must: number;
  readonly aim: number;
}

export type Standing = "aim reached" | "met" | "MISSED" | "not measured";

const AT_ONCE = claimCycleName("new", "64 at once");
const ALONE = claimCycleName("new", "one at a time");
const BATCHES = claimCycleName("new", "batches of 64, two at once");

export const BUDGETS: readonly Budget[] = [
  calls("calls for a new message", "new message", 2),
  calls("calls for a duplicate", "duplicate", 1),
  calls("calls for a batch of 64", "batch of 64 new messages", 2),
  calls("calls for a batch of 500 (128 keys each)", "batch of 500 new messages", 8),
  ...["onlyonce", "onlyonce_process"].flatMap((of): Budget[] => [
    more(`${of}, 64 at once ÷ Powertools as documented`, AT_ONCE, of, "powertools", 6, 10),
    more(`${of}, 64 at once ÷ Powertools tuned`, AT_ONCE, of, "powertools_tuned", 2, 3),
    more(`${of}, 64 at once ÷ unsafe EXISTS + SETEX`, AT_ONCE, of, "exists_setex", 1.5, 2.5),
    {
      ...less(
        `${of}, 64 at once, p99 ÷ Powertools as documented`,
        AT_ONCE,
        "p99 µs",
        of,
        0.3,
        0.12,
      ),
      dividedBy: "powertools",
    },
    {
      ...less(`${of}, one at a time, p50 ÷ two round trips`, ALONE, "p50 µs", of, 1.3, 1.1),
      dividedBy: "two_round_trips",
    },
    less(`${of}, 64 at once, Node µs a message`, AT_ONCE, "Node µs/message", of, 8, 4),
  ]),
  more("batches of 64 ÷ Powertools as documented", BATCHES, "onlyonce", "powertools", 10, 16),
  more("batches of 64, share of two bare SETs", BATCHES, "onlyonce", "two_sets", 0.75, 0.95),
  ...(["64", "500"] as const).map((size) =>
    more(
      `duplicates in batches of ${size} ÷ Powertools as documented`,
      claimCycleName("duplicates", `batches of ${size}, two at once`),
      ...(["onlyonce", "powertools", 30, 60] as const),
    ),
  ),
  less("batches of 64, Node µs a message", BATCHES, "Node µs/message", "onlyonce", 4, 2.5),
  less("bytes of a bare record", BARE_RECORD, "bytes", "onlyonce", 115, 105),
  less("bytes of a record with trace link and time", LINKED_RECORD, "bytes", "onlyonce", 180, 160),
  less("bytes of a key in the compact layout", COMPACT_KEY, "bytes", "onlyonce", 11, 10),
  more(
    "Kafka, 6 partitions, no-op handler, guarded ÷ bare",
    topicName(6, 0, "nothing"),
    ...(["onlyonce", "bare", 0.85, 0.95] as const),
  ),
  more(
    "Kafka, 6 partitions, 1 ms handler, guarded ÷ bare",
    topicName(6, 0, "1 ms of I/O"),
    ...(["onlyonce", "bare", 0.85, 0.95] as const),
  ),
  more(
    "RabbitMQ, prefetch 256, no-op handler, guarded ÷ bare",
    prefetchName(256, 0),
    ...(["onlyonce", "bare", 0.8, 0.9] as const),
  ),
  less(
    "telemetry without an SDK, µs",
    "telemetry, added to a message",
    "p50 µs",
    "without_sdk",
    2,
    1,
  ),
  {
    ...less("Redis CPU beside 10^7 keys ÷ 10^3", GROWTH, "Redis µs/message", keysName(7), 1.5, 1.2),
    dividedBy: keysName(3),
  },
  {
    ...less("bytes a key at 10^7 keys ÷ 10^6", GROWTH_MEMORY, "bytes", keysName(7), 1.2, 1.1),
    dividedBy: keysName(6),
  },
];

export function measuredFor(
  { scenario, unit, of, dividedBy }: Budget,
  results: readonly ScenarioResult[],
): number | undefined {
  const result = results.find((one) => one.name === scenario && one.unit === unit);
  return dividedBy === undefined ? result?.values[of] : result?.ratios[of]?.[dividedBy];
}

export function standingOf(budget: Budget, measured: number | undefined): Standing {
  // A report that was read from a file has null for what could not be computed.
  if (typeof measured !== "number" || Number.isNaN(measured)) return "not measured";
  const reaches = (figure: number): boolean =>
    budget.better === "more" ? measured >= figure : measured <= figure;
  if (reaches(budget.aim)) return "aim reached";
  return reaches(budget.must) ? "met" : "MISSED";
}

/** One line for each budget; only for those that were measured, if so wanted. */
export function budgetTable(
  results: readonly ScenarioResult[],
  { onlyMeasured }: { readonly onlyMeasured: boolean },
): string {
  const budgets = BUDGETS.filter(
    (budget) => !onlyMeasured || measuredFor(budget, results) !== undefined,
  );
  const rows = budgets.map((budget) => {
    const measured = measuredFor(budget, results);
    const sign = budget.better === "more" ? "≥" : "≤";
    return [
      budget.what,
      ratio(measured),
      `${sign} ${budget.must}`,
      `${sign} ${budget.aim}`,
      standingOf(budget, measured),
    ];
  });
  return rows.length === 0 ? "" : aligned([["budget", "measured", "must", "aim", ""], ...rows]);
}

function calls(what: string, scenario: string, must: number): Budget {
  return less(what, scenario, "calls", "onlyonce", must, must);
}

function more(
  what: string,
  scenario: string,
  of: string,
  dividedBy: string,
  must: number,
  aim: number,
): Budget {
  return { what, scenario, unit: "messages/s", of, dividedBy, better: "more", must, aim };
}

function less(
  what: string,
  scenario: string,
  unit: Unit,
  of: string,
  must: number,
  aim: number,
): Budget {
  return { what, scenario, unit, of, better: "less", must, aim };
}
