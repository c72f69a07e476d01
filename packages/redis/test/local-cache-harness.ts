import type { ClaimRequest, KeyRecord, Store } from "@onlyonce/core";
import type { StoreUnderTest } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { inject } from "vitest";
import { redisStore } from "../src/index.js";
import { CountingCommands, ownPrefix, recordKey } from "./redis-lab.js";

const WINDOW_MS = 600_000;
const PATIENCE_MS = 2_000;
/** Names no state of any record. */
const NEVER: KeyRecord = { state: "failed", origin: {}, expiresInMs: 0, revision: "never" };

/**
 * A cache tells ages but for the time that the store's word took to come, which nothing bounds on a busy machine: they
 * are looked at with patience here, and told exactly to those who count milliseconds.
 */
async function withExactAge<Reply extends { readonly status: string }>(
  store: Store,
  key: string,
  reply: Reply,
): Promise<Reply> {
  const origin: unknown = Reflect.get(reply, "origin");
  const ageMs: unknown = Reflect.get(Object(origin), "ageMs");
  if (reply.status !== "duplicate" || typeof ageMs !== "number") return reply;
  const exactMs = (await store.inspect(key).catch(() => undefined))?.origin.ageMs;
  if (exactMs === undefined) return reply;
  if (Math.abs(exactMs - ageMs) > PATIENCE_MS) {
    throw new Error(`the cache told an age of ${ageMs} ms, but it is ${exactMs} ms`);
  }
  return { ...reply, origin: { ...Object(origin), ageMs: exactMs } };
}

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
    const plain = redisStore(client, { prefix });
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
        if (property === "claim" || property === "remember") {
          return async (claims: readonly ClaimRequest[]) => {
            const replies = await target[property](claims);
            return Promise.all(
              replies.map((reply, index) => withExactAge(plain, claims[index]?.key ?? "", reply)),
            );
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
