import type { Store } from "@onlyonce/core";
import type { StoreFeatures, StoreHarness } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { inject } from "vitest";
import { redisStore } from "../src/index.js";
import { keyNumber } from "../src/key-number.js";
import { CountingCommands, ownPrefix, recordKey } from "./redis-lab.js";

const WINDOW_MS = 600_000;
const SLICES = 32;

/** A slice is a 32nd of the longest window, and a millisecond for rounding up. */
export const COMPACT_FEATURES: StoreFeatures = {
  clock: "real",
  records: "corruptible",
  completed: "bare",
  lateness: 1 / (SLICES - 1),
};

/** Stores with the compact layout. What damages a record damages the number of its key with it. */
export function compactHarness(keepRecordsMs: number): StoreHarness {
  return {
    async open({ longestWindowMs }) {
      const url = inject("redisUrl");
      const prefix = ownPrefix();
      const redis = new Redis(url);
      const clients = [redis];
      const commands = new CountingCommands(redis);
      const layout = {
        kind: "compact",
        windowMs: longestWindowMs,
        sliceMs: Math.ceil(longestWindowMs / SLICES),
        expectedPerWindow: 100_000,
        keepRecordsMs,
      } as const;
      const store = redisStore(commands, { prefix, layout });
      const namesUsed = () => [...new Set(commands.calls.flatMap(({ keys }) => keys))];
      const loseNumber = async (key: string): Promise<void> => {
        const { number } = keyNumber(key, 1);
        const group = `${prefix}{${key.charAt(0)}}:`;
        const sets = namesUsed().filter((name) => name.startsWith(group));
        await Promise.all(sets.map((set) => redis.srem(set, number)));
      };
      return {
        store,
        advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        async lose(key) {
          await redis.del(recordKey(prefix, key));
          await loseNumber(key);
        },
        async corrupt(key, how) {
          const name = recordKey(prefix, key);
          const record = await redis.get(name);
          const leftMs = Math.max(await redis.pttl(name), WINDOW_MS);
          const state = /^[CF]/.exec(record ?? "")?.[0] ?? "D";
          const damaged = how === "newer" ? `${state}2 what a later version keeps` : "no record";
          await redis.set(name, damaged, "PX", leftMs);
          await loseNumber(key);
        },
        async peer(): Promise<Store> {
          const peer = new Redis(url);
          clients.push(peer);
          return redisStore(peer, { prefix, layout });
        },
        async close() {
          await store.close();
          const names = namesUsed();
          if (names.length > 0) await redis.unlink(...names);
          for (const client of clients) client.disconnect();
        },
      };
    },
  };
}
