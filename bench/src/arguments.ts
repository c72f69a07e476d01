export interface BenchArguments {
  readonly scenario: string;
  /** Rounds that count; one more warms up. */
  readonly rounds: number;
  readonly json: string | undefined;
}

const FEWEST_ROUNDS = 1;

/** Throws an Error with what is wrong, in words. */
export function parseArguments(
  args: readonly string[],
  scenarios: readonly string[],
): BenchArguments {
  const [scenario, ...rest] = args;
  if (scenario === undefined || !scenarios.includes(scenario)) {
    throw new Error(`Which benchmark? ${scenarios.join(", ")}`);
  }
  let rounds = 9;
  let json: string | undefined;
  for (let i = 0; i < rest.length; i += 2) {
    const value = rest[i + 1];
    if (rest[i] === "--json" && value !== undefined) json = value;
    else if (rest[i] === "--rounds" && Number(value) >= FEWEST_ROUNDS) rounds = Number(value);
    else throw new Error(`Not understood: ${rest.slice(i, i + 2).join(" ")}`);
  }
  return { scenario, rounds, json };
}
