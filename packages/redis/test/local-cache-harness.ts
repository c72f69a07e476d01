import type { KeyRecord, Store } from "@onlyonce/core";
import type { StoreUnderTest } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { inject } from "vitest";
import { redisStore } from "../src/index.js";
import { CountingCommands, ownPrefix, recordKey } from "./redis-lab.js";

const WINDOW_MS = 600_000;
/** Names no state of any record. */
const NEVER: KeyRecord = { state: "failed", origin: {}, expiresInMs: 0, revision: "never" };

/**
 * Stores with a local cache each. What a cache may learn late is told to all of them at once: records that are lost or
 * damaged behind their backs, and what one of them forgets. All else must be as without a cache.
 */
export async function openCached(): Promise<StoreUnderTest> {
  const url = inject("redisUrl");
  const prefix = ownPrefix();
  const redis = new Redis(url);
  const clients = [redis];
  const commands = new CountingCommands(redis);
  const stores: Store[] = [];
  const tellAll = async (key: string): Promise<void> => {
    // Rejects where a later version wrote the record: the cache has heard of it all the same.
    await Promise.allSettled(stores.map((store) => store.forget(key, NEVER)));
  };
  const cached = (client: Redis | CountingCommands): Store => {
    const store = redisStore(client, { prefix, localCache: { maxKeys: 1_000 } });
    stores.push(store);
    return new Proxy(store, {
      get(target, property) {
        if (property === "forget") {
          return async (key: string, seen?: KeyRecord) => {
            const isForgotten = await target.forget(key, seen);
            await tellAll(key);
            return isForgotten;
          };
        }
        const value: unknown = Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  const store = cached(commands);
  return {
    store,
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async lose(key) {
      await redis.del(recordKey(prefix, key));
      await tellAll(key);
    },
    async corrupt(key, how) {
      const name = recordKey(prefix, key);
      const state = /^[CF]/.exec((await redis.get(name)) ?? "")?.[0] ?? "D";
      const leftMs = Math.max(await redis.pttl(name), WINDOW_MS);
      const record = how === "newer" ? `${state}2 what a later version keeps` : "no record";
      await redis.set(name, record, "PX", leftMs);
      await tellAll(key);
    },
    async peer() {
      const peer = new Redis(url);
      clients.push(peer);
      return cached(peer);
    },
    async close() {
      await store.close();
      const names = new Set(commands.calls.flatMap(({ keys }) => keys));
      if (names.size > 0) await redis.del(...names);
      for (const client of clients) client.disconnect();
    },
  };
}
