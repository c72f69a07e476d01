import type { Bar, Panel } from "./chart.js";
import { claimCycleName } from "./claim-cycle.js";
import type { Unit } from "./contest.js";
import { BARE_RECORD, COMPACT_KEY } from "./record-memory.js";
import { allOf, type Results } from "./results.js";

type Labels = Readonly<Record<string, Omit<Bar, "value">>>;

/** What the contestants are called in the chart, in the order of their bars. */
const CONTESTANTS: Labels = {
  onlyonce: { label: "onlyonce, store alone", kind: "ours" },
  onlyonce_process: { label: "onlyonce, process()", kind: "ours" },
  command_per_step: { label: "a command per step, sound", kind: "peer" },
  exists_setex: { label: "EXISTS + SETEX, unsafe", kind: "peer" },
  powertools_tuned: { label: "Powertools, tuned", kind: "peer" },
  powertools: { label: "Powertools, as documented", kind: "peer" },
  two_sets: { label: "limit: two SETs, raw socket", kind: "limit" },
};

const RECORDS: Labels = {
  onlyonce: { label: "onlyonce", kind: "ours" },
  set_done: { label: "prefix:topic:sha256 → done", kind: "peer" },
};

const COMPACT: Labels = { onlyonce: { label: "onlyonce, compact layout", kind: "ours" } };

interface PanelSource {
  readonly title: string;
  readonly unit: Unit;
  readonly bars: readonly (readonly [scenario: string, labels: Labels])[];
}

const PANELS: readonly PanelSource[] = [
  {
    title: "New messages a second, 64 at once",
    unit: "messages/s",
    bars: [[claimCycleName("new", "64 at once"), CONTESTANTS]],
  },
  {
    title: "New messages a second, in batches of 64",
    unit: "messages/s",
    bars: [[claimCycleName("new", "batches of 64, two at once"), CONTESTANTS]],
  },
  {
    title: "Duplicates a second, in batches of 64",
    unit: "messages/s",
    bars: [[claimCycleName("duplicates", "batches of 64, two at once"), CONTESTANTS]],
  },
  {
    title: "Bytes of Redis memory for a remembered message (less is better)",
    unit: "bytes",
    bars: [
      [COMPACT_KEY, COMPACT],
      [BARE_RECORD, RECORDS],
    ],
  },
];

/** Leaves out what was not measured. */
export function panelsOf(results: Results): readonly Panel[] {
  const all = allOf(results);
  return PANELS.map(({ title, unit, bars }) => ({
    title,
    bars: bars.flatMap(([scenario, labels]) => {
      const values = all.find((one) => one.name === scenario && one.unit === unit)?.values ?? {};
      return Object.entries(labels).flatMap(([contestant, bar]): Bar[] => {
        const value = values[contestant];
        return value === undefined ? [] : [{ ...bar, value }];
      });
    }),
  })).filter(({ bars }) => bars.length > 0);
}

/** Where the figures are from, in a line. */
export function sourceOf(results: Results): string {
  const report = results["claim-cycle"] ?? Object.values(results)[0];
  if (report === undefined) return "";
  const { machine, rounds } = report;
  return `Medians of ${rounds} interleaved rounds, handler does nothing. Redis ${machine.redis}, Node ${machine.node}, ${machine.cpus}.`;
}
