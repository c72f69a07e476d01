/** One way to do the work of a scenario. */
export interface Contestant<Score = number> {
  readonly name: string;
  /** Does one round of work and says how it went, in the unit of the scenario. */
  round(): Promise<Score>;
}

/** What figures are given in. Of those that end in `/s` more is better, of all others less. */
export type Unit =
  | "messages/s"
  | "p50 µs"
  | "p99 µs"
  | "Node µs/message"
  | "Redis µs/message"
  | "bytes"
  | "calls";

/** Ours beside its peers, on the same server and the same client settings. */
export interface Scenario {
  readonly name: string;
  readonly unit: Unit;
  readonly ours: Contestant;
  readonly peers: readonly Contestant[];
}

export interface ScenarioResult {
  readonly name: string;
  readonly unit: Unit;
  /** By contestant: medians over all rounds. */
  readonly values: Readonly<Record<string, number>>;
  /** Each of ours divided by each peer: median of the ratios within one round, which share the noise of the machine. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** By contestant: one score for each round that counts. */
export type Scores<Score = number> = ReadonlyMap<string, readonly Score[]>;

export async function hold(scenario: Scenario, rounds: number): Promise<ScenarioResult> {
  const { name, unit, ours, peers } = scenario;
  return compare(name, unit, [ours.name], await interleave([ours, ...peers], rounds));
}

/** Rounds in which everybody takes part once, in random order; the first one only warms up. */
export async function interleave<Score>(
  contestants: readonly Contestant<Score>[],
  rounds: number,
): Promise<Scores<Score>> {
  const scores = new Map(contestants.map(({ name }): [string, Score[]] => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const contestant of shuffled(contestants)) {
      const score = await contestant.round();
      if (round > 0) scores.get(contestant.name)?.push(score);
    }
  }
  return scores;
}

/** `ours` names the contestants that are ours; all others are their peers. */
export function compare(
  name: string,
  unit: Unit,
  ours: readonly string[],
  scores: Scores,
): ScenarioResult {
  const peers = [...scores].filter(([contestant]) => !ours.includes(contestant));
  const ratiosOf = (own: string): Record<string, number> =>
    Object.fromEntries(
      peers.map(([peer, theirs]) => {
        const inRound = theirs.map(
          (score, round) => (scores.get(own)?.[round] ?? Number.NaN) / score,
        );
        return [peer, rounded(median(inRound))];
      }),
    );
  return {
    name,
    unit,
    values: Object.fromEntries([...scores].map(([key, all]) => [key, rounded(median(all))])),
    ratios: Object.fromEntries(ours.map((own) => [own, ratiosOf(own)])),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

function rounded(value: number): number {
  return value >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
