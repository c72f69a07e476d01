import type { Bar, Panel } from "./chart.js";
import { claimCycleName } from "./claim-cycle.js";
import type { Unit } from "./contest.js";
import { BARE_RECORD } from "./record-memory.js";
import { allOf, type Results } from "./results.js";

/** What the contestants are called in the chart, in the order of their bars. */
const CONTESTANTS: Readonly<Record<string, Omit<Bar, "value">>> = {
  onlyonce: { label: "onlyonce, store alone", kind: "ours" },
  onlyonce_process: { label: "onlyonce, process()", kind: "ours" },
  command_per_step: { label: "a command per step, sound", kind: "peer" },
  exists_setex: { label: "EXISTS + SETEX, unsafe", kind: "peer" },
  powertools_tuned: { label: "Powertools, tuned", kind: "peer" },
  powertools: { label: "Powertools, as documented", kind: "peer" },
  set_done: { label: "prefix:topic:sha256 → done", kind: "peer" },
  two_sets: { label: "limit: two SETs, raw socket", kind: "limit" },
};

const PANELS: readonly (readonly [title: string, scenario: string, unit: Unit])[] = [
  ["New messages a second, 64 at once", claimCycleName("new", "64 at once"), "messages/s"],
  [
    "New messages a second, in batches of 64",
    claimCycleName("new", "batches of 64, two at once"),
    "messages/s",
  ],
  [
    "Duplicates a second, in batches of 64",
    claimCycleName("duplicates", "batches of 64, two at once"),
    "messages/s",
  ],
  ["Bytes of Redis memory for a remembered message (less is better)", BARE_RECORD, "bytes"],
];

/** Leaves out what was not measured. */
export function panelsOf(results: Results): readonly Panel[] {
  const all = allOf(results);
  return PANELS.flatMap(([title, scenario, unit]) => {
    const values = all.find((one) => one.name === scenario && one.unit === unit)?.values;
    if (values === undefined) return [];
    const bars = Object.entries(CONTESTANTS).flatMap(([contestant, bar]): Bar[] => {
      const value = values[contestant];
      return value === undefined ? [] : [{ ...bar, value }];
    });
    return [{ title, bars }];
  });
}

/** Where the figures are from, in a line. */
export function sourceOf(results: Results): string {
  const report = results["claim-cycle"] ?? Object.values(results)[0];
  if (report === undefined) return "";
  const { machine, rounds } = report;
  return `Medians of ${rounds} interleaved rounds, handler does nothing. Redis ${machine.redis}, Node ${machine.node}, ${machine.cpus}.`;
}
