import { randomBytes } from "node:crypto";
import type { Origin } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { startRedis } from "@onlyonce/test/servers/redis-process";
import { Redis } from "ioredis";
import { type Contestant, hold, type ScenarioResult } from "./contest.js";

/** Close to a power of two, where the server's table of keys is used best. */
const KEYS = 250_000;
const BATCH = 500;
const WINDOW_MS = 3_600_000;
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const ORIGINS: Readonly<Record<string, Origin>> = {
  "completed record, bare": {},
  "completed record with trace link and first-seen time": { traceparent: TRACEPARENT },
  "completed record with trace link, time and coordinates of 31 characters": {
    traceparent: TRACEPARENT,
    coordinates: "orders/3/18273645101@1700000000",
  },
};

/**
 * What does a remembered key cost? Growth of the server's used memory over 250,000 keys, expiry included. One round is
 * enough: memory is not a matter of luck.
 */
export async function recordMemory(
  _rounds: number,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  await using server = await startRedis();
  const redis = new Redis(server.url);
  try {
    for (const [name, origin] of Object.entries(ORIGINS)) {
      const ours = bytesOf(redis, "onlyonce", (keys) => complete(redis, keys, origin));
      const peers = [bytesOf(redis, "set_done", (keys) => setDone(redis, keys))];
      onResult(await hold({ name, unit: "bytes", ours, peers }, 1));
    }
  } finally {
    redis.disconnect();
  }
}

function bytesOf(
  redis: Redis,
  name: string,
  write: (keys: readonly string[]) => Promise<unknown>,
): Contestant {
  return {
    name,
    async round() {
      await redis.flushall("SYNC");
      const before = await usedBytes(redis);
      for (let done = 0; done < KEYS; done += BATCH) {
        await write(Array.from({ length: BATCH }, () => randomBytes(16).toString("base64url")));
      }
      return ((await usedBytes(redis)) - before) / KEYS;
    },
  };
}

async function complete(redis: Redis, keys: readonly string[], origin: Origin): Promise<void> {
  const store = redisStore(redis, { commandTimeoutMs: 10_000 });
  const held = keys.map((key, i) => ({
    ...{ key, token: `bench.${i}`, leaseMs: 30_000, windowMs: WINDOW_MS },
    ...{ origin, grant: 1 },
  }));
  await store.claim(held);
  await store.complete(held);
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

async function usedBytes(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1]);
}
