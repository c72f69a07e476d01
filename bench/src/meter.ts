import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Redis } from "ioredis";
import { type Contestant, compare, interleave, type ScenarioResult } from "./contest.js";

const MEASURED = ["messages/s", "p50 µs", "p99 µs", "Node µs/message", "Redis µs/message"] as const;

/** How one round went. Latencies are those of one piece of work: a message, or a batch of them. */
export type Measures = Readonly<Record<(typeof MEASURED)[number], number>>;

/** Several of ours beside their peers; each figure gets a result of its own. */
export interface Race {
  readonly name: string;
  readonly ours: readonly Contestant<Measures>[];
  readonly peers: readonly Contestant<Measures>[];
}

export async function holdRace(
  { name, ours, peers }: Race,
  rounds: number,
): Promise<readonly ScenarioResult[]> {
  const scores = await interleave([...ours, ...peers], rounds);
  return MEASURED.map((unit) =>
    compare(
      name,
      unit,
      ours.map((own) => own.name),
      new Map([...scores].map(([key, rows]) => [key, rows.map((row) => row[unit])])),
    ),
  );
}

/** Measures work that is done through one Redis server, which nobody else uses meanwhile. */
export class Meter {
  readonly #redis: Redis;

  /** `redis` is used between rounds only. */
  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /**
   * Does all the `work`, so many pieces at once. Each piece is about `messagesEach` messages. Rates and CPU are per
   * message, and hold whatever the process does meanwhile.
   */
  async measure<Piece>(
    pieces: readonly Piece[],
    atOnce: number,
    messagesEach: number,
    work: (piece: Piece) => Promise<unknown>,
  ): Promise<Measures> {
    await collectGarbage();
    const messages = pieces.length * messagesEach;
    const redisBefore = await this.#redisMicroseconds();
    const nodeBefore = process.cpuUsage();
    const startMs = performance.now();
    const latencies = await latenciesOf(pieces, atOnce, work);
    const seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(nodeBefore);
    const redis = (await this.#redisMicroseconds()) - redisBefore;
    return {
      "messages/s": messages / seconds,
      "p50 µs": percentile(latencies, 0.5),
      "p99 µs": percentile(latencies, 0.99),
      "Node µs/message": (user + system) / messages,
      "Redis µs/message": redis / messages,
    };
  }

  /** CPU of the thread that executes commands. */
  async #redisMicroseconds(): Promise<number> {
    const info = await this.#redis.info("cpu");
    const seconds = (name: string): number =>
      Number(new RegExp(`^used_cpu_${name}_main_thread:([\\d.]+)`, "m").exec(info)?.[1]);
    return (seconds("user") + seconds("sys")) * 1e6;
  }
}

async function latenciesOf<Piece>(
  pieces: readonly Piece[],
  atOnce: number,
  work: (piece: Piece) => Promise<unknown>,
): Promise<Float64Array> {
  const latencies = new Float64Array(pieces.length);
  const left = pieces.entries();
  const worker = async (): Promise<void> => {
    for (const [place, piece] of left) {
      const startMs = performance.now();
      await work(piece);
      latencies[place] = (performance.now() - startMs) * 1000;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return latencies.sort();
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options: { readonly type: "minor" }) => void;

/**
 * So that nobody pays for what the one before left behind. Young objects only: after a full collection V8 starts over
 * with a small heap and forgets what it learnt, which costs the fast ones most.
 */
async function collectGarbage(): Promise<void> {
  collect({ type: "minor" });
  await setImmediate();
}
