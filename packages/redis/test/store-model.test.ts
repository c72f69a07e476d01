import type { StoreUnderTest } from "@onlyonce/testing";
import { describeStoreModel } from "@onlyonce/testing/model";
import { Redis } from "ioredis";
import { inject } from "vitest";
import { redisStore } from "../src/index.js";
import { CountingCommands, ownPrefix, recordKey } from "./redis-lab.js";

const { ONLYONCE_SEED, ONLYONCE_RUNS } = process.env;
const WINDOW_MS = 600_000;
/** What a later version keeps: of this one it knows state and version only. */
const NEWER = "2 what a later version keeps";

async function open(): Promise<StoreUnderTest> {
  const url = inject("redisUrl");
  const prefix = ownPrefix();
  const redis = new Redis(url);
  const clients = [redis];
  const commands = new CountingCommands(redis);
  const store = redisStore(commands, { prefix });
  return {
    store,
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async lose(key) {
      await redis.del(recordKey(prefix, key));
    },
    async corrupt(key, how) {
      const name = recordKey(prefix, key);
      const state = /^[CF]/.exec((await redis.get(name)) ?? "")?.[0] ?? "D";
      const leftMs = Math.max(await redis.pttl(name), WINDOW_MS);
      await redis.set(name, how === "newer" ? state + NEWER : "no record", "PX", leftMs);
    },
    async peer() {
      const peer = new Redis(url);
      clients.push(peer);
      return redisStore(peer, { prefix });
    },
    async close() {
      await store.close();
      const names = new Set(commands.calls.flatMap(({ keys }) => keys));
      if (names.size > 0) await redis.del(...names);
      for (const client of clients) client.disconnect();
    },
  };
}

describeStoreModel(
  "redis (ioredis 6)",
  { open },
  { clock: "real", records: "corruptible" },
  {
    ...(ONLYONCE_SEED && { seed: Number(ONLYONCE_SEED) }),
    ...(ONLYONCE_RUNS && { runs: Number(ONLYONCE_RUNS) }),
  },
);
