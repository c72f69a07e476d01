import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { Origin, Store } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { startRedis } from "@onlyonce/test/servers/redis-process";
import { Redis } from "ioredis";
import { compare, type ScenarioResult } from "./contest.js";
import type { Effort } from "./effort.js";
import { benchStore, LEASE_MS } from "./guards.js";
import { MEMORY_ARGS, settle, usedBytes } from "./redis-memory.js";

/** Close to powers of two, where the server's table of keys is used best. */
const KEYS = 1_000_000;
const QUICK_KEYS = 125_000;
const BATCH = 500;
const WINDOW_MS = 3_600_000;
/** Slices of a window. All keys of a run fall into one of them, which must be as full as it would be in use. */
const SLICES = 4;
const COMPACT_LEASE_MS = 12_000;
/** Each completed key has a record beside its number for so long. */
const COMPACT_RECORDS_MS = COMPACT_LEASE_MS * 1.25;
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

export const BARE_RECORD = "completed record, bare";
export const LINKED_RECORD = "completed record with trace link and first-seen time";
export const COMPACT_KEY = "completed key in the compact layout";

const ORIGINS: Readonly<Record<string, Origin>> = {
  [BARE_RECORD]: {},
  [LINKED_RECORD]: { traceparent: TRACEPARENT },
  "completed record with trace link, time and coordinates of 31 characters": {
    traceparent: TRACEPARENT,
    coordinates: "orders/3/18273645101@1700000000",
  },
};

/**
 * What does a remembered key cost? Growth of the server's used memory over 1,000,000 keys (125,000 in quick runs),
 * expiry included. One round is enough: memory is not a matter of luck.
 */
export async function recordMemory(
  { quick }: Effort,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  await using server = await startRedis({ args: MEMORY_ARGS });
  const redis = new Redis(server.url);
  const count = quick ? QUICK_KEYS : KEYS;
  try {
    const theirs = await bytesOf(redis, count, (keys) => setDone(redis, keys), 0);
    const tell = (name: string, ours: number): void => {
      const scores = new Map([
        ["onlyonce", [ours]],
        ["set_done", [theirs]],
      ]);
      onResult(compare(name, "bytes", ["onlyonce"], scores));
    };
    const store = benchStore(redis);
    for (const [name, origin] of Object.entries(ORIGINS)) {
      const fill = (keys: readonly string[]) => complete(store, keys, origin, LEASE_MS);
      tell(name, await bytesOf(redis, count, fill, 0));
    }
    const compact = compactStore(redis, count);
    const fill = (keys: readonly string[]) => complete(compact, keys, {}, COMPACT_LEASE_MS);
    tell(COMPACT_KEY, await bytesOf(redis, count, fill, COMPACT_RECORDS_MS));
  } finally {
    redis.disconnect();
  }
}

function compactStore(redis: Redis, count: number): Store {
  return redisStore(redis, {
    commandTimeoutMs: COMPACT_LEASE_MS / 6,
    layout: { kind: "compact", windowMs: WINDOW_MS, expectedPerWindow: count * SLICES },
  });
}

async function bytesOf(
  redis: Redis,
  count: number,
  fill: (keys: readonly string[]) => Promise<unknown>,
  shortLivedMs: number,
): Promise<number> {
  await redis.flushall("SYNC");
  const before = await usedBytes(redis);
  for (let done = 0; done < count; done += BATCH) {
    await fill(Array.from({ length: BATCH }, () => randomBytes(16).toString("base64url")));
  }
  await setTimeout(shortLivedMs);
  await settle(redis);
  return ((await usedBytes(redis)) - before) / count;
}

async function complete(
  store: Store,
  keys: readonly string[],
  origin: Origin,
  leaseMs: number,
): Promise<void> {
  const held = keys.map((key, i) => ({
    ...{ key, token: `bench.${i}`, leaseMs, windowMs: WINDOW_MS },
    ...{ origin, grant: 1 },
  }));
  await store.claim(held);
  const answers = await store.complete(held);
  if (answers.some((answer) => answer !== "ok")) throw new Error("a completion was not ok");
}

/** The key that most people write: prefix, topic and a hexadecimal SHA-256. */
async function setDone(redis: Redis, keys: readonly string[]): Promise<void> {
  const pipeline = redis.pipeline();
  for (const key of keys) {
    const hex = Buffer.from(key + key)
      .toString("hex")
      .slice(0, 64);
    pipeline.set(`idem:orders:${hex}`, "done", "PX", WINDOW_MS);
  }
  await pipeline.exec();
}
