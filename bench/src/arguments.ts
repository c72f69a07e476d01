import type { Effort } from "./effort.js";

export interface BenchArguments extends Effort {
  /** Which benchmark to run; all of them by default. */
  readonly benchmark: string | undefined;
  /** Where the results go besides the terminal. */
  readonly json: string | undefined;
  readonly svg: string | undefined;
}

const ROUNDS = 9;
const QUICK_ROUNDS = 3;

/** Throws an Error with what is wrong, in words. */
export function parseArguments(
  args: readonly string[],
  benchmarks: readonly string[],
): BenchArguments {
  const [first] = args;
  const benchmark = first === undefined || first.startsWith("--") ? undefined : first;
  if (benchmark !== undefined && !benchmarks.includes(benchmark)) {
    throw new Error(`Which benchmark? ${benchmarks.join(", ")}, or none for all of them`);
  }
  let quick = false;
  let rounds: number | undefined;
  let json: string | undefined;
  let svg: string | undefined;
  const left = args.slice(benchmark === undefined ? 0 : 1).values();
  for (const option of left) {
    const value = option === "--quick" ? "" : left.next().value;
    if (option === "--quick") quick = true;
    else if (option === "--json" && value !== undefined) json = value;
    else if (option === "--svg" && value !== undefined) svg = value;
    else if (option === "--rounds" && /^[1-9]\d*$/.test(value ?? "")) rounds = Number(value);
    else throw new Error(`Not understood: ${[option, value].join(" ").trim()}`);
  }
  return { benchmark, rounds: rounds ?? (quick ? QUICK_ROUNDS : ROUNDS), quick, json, svg };
}
