import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runCommand } from "../servers/command.js";
import type { Tools } from "./tools.js";

/** Values of macros of the model; true defines one without a value. */
export type Defines = Readonly<Record<string, number | true>>;

export interface Check {
  readonly defines: Defines;
  /** `safety`: no assertion fails in any state. `progress`: every fair execution settles everything in the end. */
  readonly search: "safety" | "progress";
  /** Above half a million states the time to optimise the checker pays off. */
  readonly isLarge?: boolean;
}

export interface CheckResult {
  /** Every reachable state was visited, and nothing was cut off. Never true where the search ended at a violation. */
  readonly isExhaustive: boolean;
  readonly states: number;
  /** The name of the property that does not hold; undefined where all hold. */
  readonly violated: string | undefined;
  /** All that the checker said. */
  readonly report: string;
}

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const MODEL: string = `${FOLDER}claim-protocol.pml`;
const LONGEST_PATH = 200_000;
const MEMORY_MB = 4_096;

const SEARCHES = {
  safety: { build: ["-DSAFETY", "-DNOCLAIM"], run: [] },
  // Weakly fair: whoever can always take a step takes one some time. NFAIR=3 is room for 14 processes.
  progress: { build: ["-DNFAIR=3"], run: ["-a", "-f"] },
} as const;

/** Visits the states of the model in `dir`, an empty folder of the caller's. One process at a time. */
export async function check(tools: Tools, dir: string, given: Check): Promise<CheckResult> {
  const options = { cwd: dir, env: { ...process.env, LC_ALL: "C" } };
  const { build, run } = SEARCHES[given.search];
  await runCommand(tools.spin, [...flags(given.defines), "-a", MODEL], options);
  const optimise = given.isLarge === true ? "-O2" : "-O0";
  const gcc = [optimise, "-w", `-DMEMLIM=${MEMORY_MB}`, ...build, "-o", "pan", "pan.c"];
  await runCommand(tools.gcc, gcc, options);
  const report = await runCommand("./pan", ["-n", "-w20", `-m${LONGEST_PATH}`, ...run], options);
  return readReport(report, await propertyNames());
}

function flags(defines: Defines): readonly string[] {
  return Object.entries(defines).map(([name, value]) =>
    value === true ? `-D${name}` : `-D${name}=${value}`,
  );
}

/** Reads what a checker made by spin 6 prints. */
export function readReport(report: string, names: ReadonlyMap<number, string>): CheckResult {
  const errors = Number(/errors: (\d+)/.exec(report)?.[1] ?? Number.NaN);
  const states = Number(/(\d+) states, stored/.exec(report)?.[1] ?? Number.NaN);
  if (!Number.isInteger(errors) || !Number.isInteger(states)) {
    throw new Error(`the checker's report can't be read:\n${report}`);
  }
  const isCutOff = /not completed|too small|out of memory|aborting|hash table full/i.test(report);
  return {
    isExhaustive: errors === 0 && !isCutOff && report.includes("Full statespace search"),
    states,
    violated: errors === 0 ? undefined : violatedIn(report, names),
    report,
  };
}

function violatedIn(report: string, names: ReadonlyMap<number, string>): string {
  if (/acceptance cycle/.test(report)) return "PROGRESS";
  const number = /assertion violated .*\((\d+)==0\)\)? \(at depth/.exec(report)?.[1];
  return names.get(Number(number)) ?? `something unnamed:\n${report}`;
}

/** The numbered properties of the model. */
export async function propertyNames(): Promise<ReadonlyMap<number, string>> {
  const text = await readFile(`${FOLDER}properties.pml`, "utf8");
  const defined = text.matchAll(/^#define ([A-Z_]+) +(\d+)$/gm);
  return new Map([...defined].map(([, name = "", number]) => [Number(number), name]));
}
