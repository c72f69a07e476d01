/** One way to do the work of a scenario. */
export interface Contestant {
  readonly name: string;
  /** Does one round of work and says how it went, in the unit of the scenario. */
  round(): Promise<number>;
}

/** Ours beside its peers, on the same server and the same client settings. */
export interface Scenario {
  readonly name: string;
  readonly unit: "cycles/s" | "messages/s" | "p50 µs" | "bytes";
  readonly ours: Contestant;
  readonly peers: readonly Contestant[];
}

export interface ScenarioResult {
  readonly name: string;
  readonly unit: Scenario["unit"];
  /** Medians over all rounds. */
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  /** Ours divided by the peer: median of the ratios within one round, which share the noise of the machine. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** Rounds in which everybody takes part once, in random order; the first one only warms up. */
export async function hold(scenario: Scenario, rounds: number): Promise<ScenarioResult> {
  const contestants = [scenario.ours, ...scenario.peers];
  const scores = contestants.map((): number[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const place of shuffled(contestants.length)) {
      const score = await contestants[place]?.round();
      if (round > 0 && score !== undefined) scores[place]?.push(score);
    }
  }
  const [ours = [], ...theirs] = scores;
  const ofPeers = (value: (scores: readonly number[]) => number): Record<string, number> =>
    Object.fromEntries(
      scenario.peers.map(({ name }, i) => [name, rounded(value(theirs[i] ?? []))]),
    );
  return {
    name: scenario.name,
    unit: scenario.unit,
    ours: rounded(median(ours)),
    peers: ofPeers(median),
    ratios: ofPeers((peer) =>
      median(peer.map((score, round) => (ours[round] ?? Number.NaN) / score)),
    ),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

function rounded(value: number): number {
  return value >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}

function shuffled(count: number): number[] {
  return Array.from({ length: count }, (_, place) => ({ place, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ place }) => place);
}
