import { startRedis } from "@onlyonce/test/servers/redis-process";
import { Redis } from "ioredis";
import type { ScenarioResult } from "./contest.js";
import type { Effort } from "./effort.js";
import { benchStore, processGuard, storeGuard } from "./guards.js";

const SIZES = [64, 128, 500] as const;

/** What a store asks beside its messages, such as the check when it starts, is not counted this way. */
const TRIES = 5;

/** How often is the server asked? Counted by the server: the least of a few tries. */
export async function roundTrips(
  _effort: Effort,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  await using server = await startRedis();
  const [redis, admin] = [new Redis(server.url), new Redis(server.url)];
  try {
    const store = benchStore(redis);
    const calls = new CallCount(admin);
    const process = processGuard(store, () => undefined);
    const batch = storeGuard(store, () => undefined);
    let ids = 0;
    const fresh = (count: number): string[] =>
      Array.from({ length: count }, () => {
        ids += 1;
        return String(ids);
      });
    await process.one("copied");
    const told = (name: string, onlyonce: number): void =>
      onResult({ name, unit: "calls", values: { onlyonce }, ratios: { onlyonce: {} } });
    told("new message", await calls.of(() => process.one(fresh(1).join())));
    told("duplicate", await calls.of(() => process.one("copied")));
    for (const size of SIZES) {
      told(`batch of ${size} new messages`, await calls.of(() => batch.all(fresh(size))));
    }
  } finally {
    redis.disconnect();
    admin.disconnect();
  }
}

class CallCount {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async of(work: () => Promise<unknown>): Promise<number> {
    const counts: number[] = [];
    for (let left = TRIES; left > 0; left -= 1) counts.push(await this.#once(work));
    return Math.min(...counts);
  }

  async #once(work: () => Promise<unknown>): Promise<number> {
    await this.#redis.config("RESETSTAT");
    await work();
    const info = await this.#redis.info("commandstats");
    return [...info.matchAll(/^cmdstat_(?:evalsha|eval):calls=(\d+)/gm)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    );
  }
}
