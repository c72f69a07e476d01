import { hash } from "node:crypto";
import { type ClaimRequest, createDeduplicator, type Store } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import type { Redis } from "ioredis";

/** Longer than any run, so that no round pays for what expires. */
export const WINDOW_MS = 3_600_000;
export const LEASE_MS = 30_000;
/** A benchmark on a busy machine must not fail; a timeout costs the same whatever its length. */
const COMMAND_TIMEOUT_MS = 5000;

/** Sees messages through: the effect happens for those that were not seen through before. */
export interface Guard {
  one(id: string): Promise<unknown>;
  all(ids: readonly string[]): Promise<unknown>;
}

/** What a handler does: nothing that costs. */
export type Effect = () => void;

export function benchStore(redis: Redis): Store {
  return redisStore(redis, { commandTimeoutMs: COMMAND_TIMEOUT_MS });
}

let claims = 0;

/** What core hands to the store, the digest included: nobody gets the work of hashing for nothing. */
export function claimOf(id: string): ClaimRequest {
  claims += 1;
  return {
    key: hash("sha256", `bench:payments:${id}`, "base64url").slice(0, 22),
    token: `bench.${claims}`,
    leaseMs: LEASE_MS,
    windowMs: WINDOW_MS,
    origin: {},
  };
}

/** Claim, then complete, through the store's own interface; a batch in two calls. */
export function storeGuard(store: Store, effect: Effect): Guard {
  const all = async (ids: readonly string[]): Promise<void> => {
    const requests = ids.map(claimOf);
    const replies = await store.claim(requests);
    const held = requests.flatMap(({ key, token, leaseMs, windowMs, origin }, i) => {
      const reply = replies[i];
      if (reply?.status === "duplicate") return [];
      if (reply?.status !== "acquired") throw new Error(`a claim was answered ${reply?.status}`);
      effect();
      return [{ key, token, leaseMs, windowMs, origin, grant: reply.grant }];
    });
    if (held.length === 0) return;
    const answers = await store.complete(held);
    if (answers.some((answer) => answer !== "ok")) throw new Error("a completion was not ok");
  };
  return { all, one: (id) => all([id]) };
}

/** The whole library around a handler. */
export function processGuard(store: Store, effect: Effect): Guard {
  const dedup = createDeduplicator({
    store,
    scope: "bench",
    defaults: { ackTimeoutMs: 60_000, leaseMs: LEASE_MS, windowMs: WINDOW_MS },
  });
  return oneByOne((id) => dedup.process({ topic: "payments", id }, effect));
}

/** What most people write: look, then set. Two consumers pass it together; it is here for its speed. */
export function existsSetexGuard(redis: Redis, effect: Effect): Guard {
  return oneByOne(async (id) => {
    const key = `b:payments:${id}`;
    if ((await redis.exists(key)) !== 0) return;
    effect();
    await redis.setex(key, WINDOW_MS / 1000, "1");
  });
}

const COMPLETE = `
local found = redis.call('GET', KEYS[1])
if found == ARGV[1] then
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[2])
  return 1
end
return found == '1' and 1 or 0`;

/**
 * As sound as ours in claiming and completing, but a command of its own for every message and step: a token in the
 * record makes a command that the client sends twice harmless.
 */
export function commandGuard(redis: Redis, effect: Effect): Guard {
  const sha1 = hash("sha1", COMPLETE, "hex");
  let isLoaded: Promise<unknown> | undefined;
  return oneByOne(async (id) => {
    const { key: digest, token } = claimOf(id);
    const key = `b:${digest}`;
    const found = await redis.set(key, token, "PX", LEASE_MS, "NX", "GET");
    if (found === "1") return;
    if (found !== null && found !== token) throw new Error("somebody else holds the claim");
    effect();
    isLoaded ??= redis.script("LOAD", COMPLETE);
    await isLoaded;
    const isCompleted = await redis.evalsha(sha1, 1, key, token, WINDOW_MS);
    if (isCompleted !== 1) throw new Error("the completion was refused");
  });
}

/** Two round trips that do nothing. */
export function pingGuard(redis: Redis): Guard {
  return oneByOne(async () => {
    await redis.ping();
    await redis.ping();
  });
}

/** Without a way to take many messages at once. */
export function oneByOne(one: (id: string) => Promise<unknown>): Guard {
  return { one, all: (ids) => Promise.all(ids.map(one)) };
}
