import type { ClaimRequest, KeyRecord, Store } from "@onlyonce/core";
import type { StoreUnderTest } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { inject } from "vitest";
import { redisStore } from "../src/index.js";
import { LocalCache } from "../src/local-cache.js";
import { CountingCommands, ownPrefix, recordKey } from "./redis-lab.js";

const WINDOW_MS = 600_000;
const PATIENCE_MS = 5_000;
/** Names no state of any record. */
const NEVER: KeyRecord = { state: "failed", origin: {}, expiresInMs: 0, revision: "never" };

interface Duplicate {
  readonly status: "duplicate";
  readonly origin: { readonly ageMs?: number };
}

function isDuplicate(reply: { readonly status: string }): reply is Duplicate {
  return reply.status === "duplicate";
}

/**
 * A store with a local cache. The cache tells ages but for the time that the store's word took to come, which nothing
 * bounds on a busy machine: they are looked at with patience here, and told exactly to those who count milliseconds.
 */
class CachedStore extends LocalCache {
  readonly #plain: Store;
  readonly #asked: WeakSet<ClaimRequest>;

  constructor(plain: Store) {
    const asked = new WeakSet<ClaimRequest>();
    const witnessed =
      <Reply>(ask: (claims: readonly ClaimRequest[]) => Promise<Reply>) =>
      (claims: readonly ClaimRequest[]): Promise<Reply> => {
        for (const claim of claims) asked.add(claim);
        return ask(claims);
      };
    const store: Store = {
      ...(plain.system !== undefined && { system: plain.system }),
      ...(plain.commandTimeoutMs !== undefined && { commandTimeoutMs: plain.commandTimeoutMs }),
      claim: witnessed((claims) => plain.claim(claims)),
      remember: witnessed((claims) => plain.remember(claims)),
      start: (held) => plain.start(held),
      renew: (held) => plain.renew(held),
      complete: (completions) => plain.complete(completions),
      release: (releases) => plain.release(releases),
      inspect: (key) => plain.inspect(key),
      forget: (key, seen) => plain.forget(key, seen),
      check: () => plain.check(),
      onFinding: (listener) => plain.onFinding(listener),
      close: () => plain.close(),
    };
    super(store, { maxKeys: 1_000, maxAgeMs: 60_000 }, () => performance.now());
    this.#plain = plain;
    this.#asked = asked;
  }

  override claim(claims: readonly ClaimRequest[]): ReturnType<Store["claim"]> {
    return this.#exact(claims, (copies) => super.claim(copies));
  }

  override remember(claims: readonly ClaimRequest[]): ReturnType<Store["remember"]> {
    return this.#exact(claims, (copies) => super.remember(copies));
  }

  async #exact<Reply extends { readonly status: string }>(
    claims: readonly ClaimRequest[],
    ask: (copies: readonly ClaimRequest[]) => Promise<readonly Reply[]>,
  ): Promise<readonly Reply[]> {
    const ages = await Promise.all(claims.map(({ key }) => this.#ageOf(key)));
    // Told apart from those that were asked with the same requests before.
    const copies = claims.map((claim) => ({ ...claim }));
    const replies = await ask(copies);
    return replies.map((reply, index) => {
      const [copy, ageMs] = [copies[index], ages[index]];
      if (copy === undefined || this.#asked.has(copy) || !isDuplicate(reply)) return reply;
      const told = reply.origin.ageMs;
      if (ageMs === undefined || told === undefined) return reply;
      if (Math.abs(ageMs - told) > PATIENCE_MS) {
        throw new Error(`the cache told an age of ${told} ms, but it is ${ageMs} ms`);
      }
      return { ...reply, origin: { ...reply.origin, ageMs } };
    });
  }

  async #ageOf(key: string): Promise<number | undefined> {
    try {
      return (await this.#plain.inspect(key))?.origin.ageMs;
    } catch {
      return undefined; // A later version's record.
    }
  }
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
    const store = new CachedStore(redisStore(client, { prefix }));
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
