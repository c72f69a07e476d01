import type { Store } from "@onlyonce/core";
import { type CompactLayout, type Layout, redisStore } from "@onlyonce/redis";
import { type RedisProcess, startRedis } from "@onlyonce/test/servers/redis-process";
import { Redis } from "ioredis";
import { type Contestant, compare, interleave, type ScenarioResult } from "./contest.js";
import { countFor, type Effort } from "./effort.js";
import { claimOf, storeGuard, WINDOW_MS } from "./guards.js";
import { type Measures, Meter } from "./meter.js";
import { MEMORY_ARGS, settle, usedBytes } from "./redis-memory.js";

const KEYS = 1_000_000;
const FILL_BATCH = 500;
const BATCH = 64;
const BATCHES = 200;
const AT_ONCE = 2;
const COMMAND_TIMEOUT_MS = 5000;
/** The record that a completed key keeps beside its number ends before memory is looked at. */
const SHORT_LEASE_MS = 1;
const UNITS = ["messages/s", "Node µs/message", "Redis µs/message"] as const;
const KEYS_LAYOUT = "keys";

/**
 * What do layouts cost? Servers that remember a million keys each: memory of a key, and claims and completions of new
 * messages, then claims of the same messages again, in batches of 64. (A fifth of the keys in quick runs.)
 */
export async function layouts(
  effort: Effort,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  const keys = countFor(effort, KEYS);
  const servers: LayoutServer[] = [];
  try {
    for (const [name, layout] of layoutsFor(keys)) {
      const server = new LayoutServer(name, layout, await startRedis({ args: MEMORY_ARGS }));
      servers.push(server);
      await server.fill(keys);
    }
    const ours = servers.map(({ name }) => name).filter((name) => name !== KEYS_LAYOUT);
    const bytes = servers.map(({ name, bytesPerKey }) => [name, [bytesPerKey]] as const);
    onResult(compare("memory of a remembered key", "bytes", ours, new Map(bytes)));
    for (const traffic of ["new", "duplicate"] as const) {
      const contestants = servers.map((server) => server.contestant(traffic));
      const scores = await interleave<Measures>(contestants, effort.rounds);
      for (const unit of UNITS) {
        const values = [...scores].map(([name, rows]): [string, number[]] => [
          name,
          rows.map((row) => row[unit]),
        ]);
        onResult(compare(`${traffic} messages in batches`, unit, ours, new Map(values)));
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** All keys of a run come in one slice, so the window is said to have as many in each of its slices. */
function layoutsFor(keys: number): readonly (readonly [string, Layout])[] {
  const compact = (slices: number): CompactLayout => ({
    kind: "compact",
    windowMs: WINDOW_MS,
    sliceMs: WINDOW_MS / slices,
    expectedPerWindow: keys * slices,
  });
  return [
    [KEYS_LAYOUT, { kind: "keys" }],
    ["compact, 4 slices", compact(4)],
    ["compact, 2 slices", compact(2)],
  ];
}

class LayoutServer {
  readonly name: string;
  readonly #server: RedisProcess;
  readonly #redis: Redis;
  readonly #admin: Redis;
  readonly #store: Store;
  readonly #meter: Meter;
  #bytesPerKey = Number.NaN;
  #rounds = 0;

  constructor(name: string, layout: Layout, server: RedisProcess) {
    this.name = name;
    this.#server = server;
    this.#redis = new Redis(server.url);
    this.#admin = new Redis(server.url);
    this.#store = redisStore(this.#redis, { layout, commandTimeoutMs: COMMAND_TIMEOUT_MS });
    this.#meter = new Meter(this.#admin);
  }

  get bytesPerKey(): number {
    return this.#bytesPerKey;
  }

  async fill(keys: number): Promise<void> {
    await this.#store.remember([{ ...claimOf("warm-up"), leaseMs: SHORT_LEASE_MS }]);
    const before = await usedBytes(this.#admin);
    for (let done = 0; done < keys; done += FILL_BATCH) {
      const ids = Array.from({ length: FILL_BATCH }, (_, at) => `old-${done + at}`);
      const claims = ids.map((id) => ({ ...claimOf(id), leaseMs: SHORT_LEASE_MS }));
      await this.#store.remember(claims);
    }
    await settle(this.#admin);
    this.#bytesPerKey = ((await usedBytes(this.#admin)) - before) / keys;
  }

  contestant(traffic: "new" | "duplicate"): Contestant<Measures> {
    const guard = storeGuard(this.#store, () => undefined);
    return {
      name: this.name,
      round: () => {
        this.#rounds += traffic === "new" ? 1 : 0;
        const idOf = (place: number): string =>
          traffic === "new" ? `new-${this.#rounds}-${place}` : `old-${place}`;
        const batches = Array.from({ length: BATCHES }, (_, batch) =>
          Array.from({ length: BATCH }, (__, at) => idOf(batch * BATCH + at)),
        );
        return this.#meter.measure(batches, AT_ONCE, BATCH, (ids) => guard.all(ids));
      },
    };
  }

  async stop(): Promise<void> {
    this.#redis.disconnect();
    this.#admin.disconnect();
    await this.#server.stop();
  }
}
