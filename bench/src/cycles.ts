import { hash, randomBytes } from "node:crypto";
import { type ClaimRequest, createDeduplicator, type Store } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";

/** Short enough that what a benchmark leaves behind is soon gone. */
const WINDOW_MS = 120_000;
const LEASE_MS = 30_000;

/** One message's way through a protocol. */
export type Cycle = () => Promise<unknown>;

let messages = 0;
const run = randomBytes(6).toString("base64url");

function nextId(): string {
  messages += 1;
  return `${run}-${messages}`;
}

/** What core hands to the store, the digest included: nobody gets the work of hashing for nothing. */
function nextClaim(): ClaimRequest {
  const id = nextId();
  return {
    key: hash("sha256", `bench:payments:${id}`, "base64url").slice(0, 22),
    token: id,
    leaseMs: LEASE_MS,
    windowMs: WINDOW_MS,
    origin: {},
  };
}

/** Every contestant gets a connection of its own; all with the same settings. */
export class Connections {
  readonly #url: string;
  readonly #clients: Redis[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  open(): Redis {
    const redis = new Redis(this.#url);
    this.#clients.push(redis);
    return redis;
  }

  close(): void {
    for (const redis of this.#clients) redis.disconnect();
  }
}

export function benchStore(redis: Redis): Store {
  return redisStore(redis, { prefix: "b:" });
}

/** Claim, then complete, through the store's own interface. */
export function storeCycle(store: Store): Cycle {
  return async () => {
    const claim = nextClaim();
    const [reply] = await store.claim([claim]);
    if (reply?.status !== "acquired") throw new Error(`the claim was answered ${reply?.status}`);
    const { key, token, leaseMs, windowMs, origin } = claim;
    const { grant } = reply;
    const [answer] = await store.complete([{ key, token, leaseMs, windowMs, origin, grant }]);
    if (answer !== "ok") throw new Error(`the completion was answered ${String(answer)}`);
  };
}

/** The same for a batch, in two calls. */
export function storeBatchCycle(store: Store, size: number): Cycle {
  return async () => {
    const claims = Array.from({ length: size }, nextClaim);
    const replies = await store.claim(claims);
    const answers = await store.complete(
      claims.map(({ key, token, leaseMs, windowMs, origin }, i) => {
        const reply = replies[i];
        if (reply?.status !== "acquired") throw new Error(`a claim was answered ${reply?.status}`);
        return { key, token, leaseMs, windowMs, origin, grant: reply.grant };
      }),
    );
    if (answers.some((answer) => answer !== "ok")) throw new Error("a completion was not ok");
  };
}

/** The whole library around a handler that does nothing. */
export function processCycle(store: Store): Cycle {
  const dedup = createDeduplicator({
    store,
    scope: "bench",
    defaults: { ackTimeoutMs: 60_000, leaseMs: LEASE_MS, windowMs: WINDOW_MS },
  });
  return async () => {
    const { outcome } = await dedup.process({ topic: "payments", id: nextId() }, () => undefined);
    if (outcome !== "processed") throw new Error(`the outcome was ${outcome}`);
  };
}

/** A batch of keys that were completed before, asked for again in one call. */
export async function storeDuplicates(store: Store, size: number): Promise<Cycle> {
  const claims = Array.from({ length: size }, nextClaim);
  await store.claim(claims);
  await store.complete(claims);
  const copies = claims.map((claim) => ({ ...claim, token: `copy-${claim.token}` }));
  return async () => {
    const replies = await store.claim(copies);
    if (replies[0]?.status !== "duplicate") throw new Error(`not a duplicate`);
  };
}

/** What most people write: look, then set. Two consumers pass it together; it is here for its speed. */
export function existsSetexCycle(redis: Redis): Cycle {
  return async () => {
    const key = `b:payments:${nextId()}`;
    if ((await redis.exists(key)) !== 0) throw new Error("the key exists");
    await redis.setex(key, WINDOW_MS / 1000, "1");
  };
}

export function existsDuplicates(redis: Redis, size: number): Cycle {
  const keys = Array.from({ length: size }, () => `b:payments:${nextId()}`);
  let isSet = false;
  return async () => {
    if (!isSet) await Promise.all(keys.map((key) => redis.setex(key, WINDOW_MS / 1000, "1")));
    isSet = true;
    const found = await Promise.all(keys.map((key) => redis.exists(key)));
    if (found[0] !== 1) throw new Error("the key does not exist");
  };
}

/** A batch as two pipelines of unchecked SETs: nothing is guarded, it is a limit to compare with. */
export function pipelinedSetsCycle(redis: Redis, size: number): Cycle {
  return async () => {
    const keys = Array.from({ length: size }, () => `b:payments:${nextId()}`);
    for (const value of ["claimed", "1"]) {
      const pipeline = redis.pipeline();
      for (const key of keys) pipeline.set(key, value, "PX", WINDOW_MS);
      await pipeline.exec();
    }
  };
}

/** Two round trips that do nothing. */
export function bareCycle(redis: Redis): Cycle {
  return async () => {
    await redis.ping();
    await redis.ping();
  };
}
