import type { Store } from "@onlyonce/core";
import { type RedisProcess, startRedis } from "@onlyonce/test/servers/redis-process";
import { Redis } from "ioredis";
import { type Contestant, compare, interleave, type ScenarioResult } from "./contest.js";
import type { Effort } from "./effort.js";
import { benchStore, claimOf, storeGuard } from "./guards.js";
import { type Measures, Meter } from "./meter.js";
import { MEMORY_ARGS, settle, usedBytes } from "./redis-memory.js";

const EXPONENTS = [3, 4, 5, 6, 7] as const;
const QUICK_EXPONENTS = [3, 4, 5, 6] as const;
const UNITS = ["Redis µs/message", "Node µs/message", "messages/s"] as const;

const FILL_BATCH = 500;
const BATCH = 64;
/** Forgotten after each portion, so that the few remembered keys stay few. */
const PORTION_BATCHES = 8;
const PORTIONS = 20;

export const GROWTH = "new messages in batches of 64, beside remembered keys";
export const GROWTH_MEMORY = "memory of a remembered key, by their number";

/** The name of a contestant. */
export function keysName(exponent: number): string {
  return `10^${exponent} keys`;
}

/**
 * Does a message cost more, the more keys are remembered? Servers that remember 10^3 to 10^7 keys take turns with new
 * messages in batches. (10^6 in quick runs; 10^7 keys take more than a gigabyte.)
 */
export async function growth(
  effort: Effort,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  const sizes: FilledServer[] = [];
  try {
    for (const exponent of effort.quick ? QUICK_EXPONENTS : EXPONENTS) {
      const server = new FilledServer(exponent, await startRedis({ args: MEMORY_ARGS }));
      sizes.push(server);
      await server.fill();
    }
    await compareSizes(sizes, effort, onResult);
  } finally {
    for (const server of sizes) await server.stop();
  }
}

async function compareSizes(
  sizes: readonly FilledServer[],
  effort: Effort,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  const names = sizes.map(({ name }) => name);
  const bytes = new Map(sizes.map(({ name, bytesPerKey }) => [name, [bytesPerKey]]));
  const others = (name: string): string[] => names.filter((other) => other !== name);
  onResult(compare(GROWTH_MEMORY, "bytes", others(keysName(6)), bytes));
  const scores = await interleave<Measures>(sizes, effort.rounds);
  for (const unit of UNITS) {
    const values = [...scores].map(([name, rows]): [string, number[]] => [
      name,
      rows.map((row) => row[unit]),
    ]);
    onResult(compare(GROWTH, unit, others(keysName(3)), new Map(values)));
  }
}

class FilledServer implements Contestant<Measures> {
  readonly name: string;
  readonly #keys: number;
  readonly #server: RedisProcess;
  readonly #redis: Redis;
  readonly #admin: Redis;
  readonly #store: Store;
  #bytesPerKey = Number.NaN;
  #messages = 0;

  constructor(exponent: number, server: RedisProcess) {
    this.name = keysName(exponent);
    this.#keys = 10 ** exponent;
    this.#server = server;
    this.#redis = new Redis(server.url);
    this.#admin = new Redis(server.url);
    this.#store = benchStore(this.#redis);
  }

  get bytesPerKey(): number {
    return this.#bytesPerKey;
  }

  async fill(): Promise<void> {
    await this.#store.remember([claimOf("warm-up")]);
    const before = await usedBytes(this.#admin);
    for (let i = 0; i < this.#keys; i += FILL_BATCH) {
      await this.#store.remember(
        Array.from({ length: FILL_BATCH }, (_, at) => claimOf(`old-${i + at}`)),
      );
    }
    await settle(this.#admin);
    this.#bytesPerKey = ((await usedBytes(this.#admin)) - before) / this.#keys;
  }

  async round(): Promise<Measures> {
    const guard = storeGuard(this.#store, () => undefined);
    const meter = new Meter(this.#admin);
    const portions: Measures[] = [];
    for (let portion = 0; portion < PORTIONS; portion += 1) {
      const batches = Array.from({ length: PORTION_BATCHES }, () => this.#newIds());
      portions.push(await meter.measure(batches, 2, BATCH, (ids) => guard.all(ids)));
      await Promise.all(batches.flat().map((id) => this.#store.forget(claimOf(id).key)));
    }
    return meanOf(portions);
  }

  async stop(): Promise<void> {
    this.#redis.disconnect();
    this.#admin.disconnect();
    await this.#server.stop();
  }

  #newIds(): string[] {
    return Array.from({ length: BATCH }, () => {
      this.#messages += 1;
      return `new-${this.#messages}`;
    });
  }
}

function meanOf(all: readonly Measures[]): Measures {
  const mean = (unit: keyof Measures): number =>
    all.reduce((sum, measures) => sum + measures[unit], 0) / all.length;
  const units = Object.keys(all[0] ?? {}) as (keyof Measures)[];
  return Object.fromEntries(units.map((unit) => [unit, mean(unit)])) as Measures;
}
