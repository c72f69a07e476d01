import { Redis } from "ioredis";
import { Redis as Redis5 } from "ioredis-5";
import { Redis as Valkey } from "iovalkey";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { type RedisCommands, redisStore } from "../src/index.js";
import { claimOf, heldOf, newKey, ownPrefix } from "./redis-lab.js";

type Client = RedisCommands & { disconnect(): void };

const CLIENTS: Readonly<Record<string, (url: string) => Client>> = {
  "ioredis 5": (url) => new Redis5(url),
  "ioredis 6 over RESP2": (url) => new Redis(url, { protocol: 2 }),
  "ioredis 6 over RESP3": (url) => new Redis(url, { protocol: 3 }),
  iovalkey: (url) => new Valkey(url),
};

/** The shared server may have no replicas, so that it is enough to have none, and one is too many. */
const ENOUGH = { min: 0, timeoutMs: 100 };
const TOO_MANY = { min: 100, timeoutMs: 20 };

describe.each(Object.entries(CLIENTS))("waiting for replicas with %s", (_name, connect) => {
  it("a change that enough replicas have counts, and one that too few have does not", async () => {
    const redis = connect(inject("redisUrl"));
    onTestFinished(() => redis.disconnect());
    const store = redisStore(redis, { prefix: ownPrefix() });
    onTestFinished(() => store.close());
    const [enough, few] = [claimOf(newKey()), claimOf(newKey())];
    const claims = [
      { ...enough, replicas: ENOUGH },
      { ...few, replicas: TOO_MANY },
    ];
    const [acquired, refused] = await store.claim(claims);
    expect(acquired).toEqual({ status: "acquired", grant: 1, attempt: 1, suspect: false });
    expect(refused).toMatchObject({ status: "error", error: { code: "ERR_ONLYONCE_STORE" } });
    expect(await store.renew(claims.map((claim) => heldOf(claim)))).toEqual(["ok", "ok"]);
    expect(await store.complete(claims.map((claim) => heldOf(claim)))).toMatchObject([
      "ok",
      { status: "error" },
    ]);
    const remembered = { ...claimOf(newKey()), replicas: ENOUGH };
    expect(await store.remember([remembered])).toEqual([{ status: "new" }]);
    await expect(
      store.remember([{ ...claimOf(newKey()), replicas: TOO_MANY }]),
    ).resolves.toMatchObject([{ status: "error" }]);
    // What was changed stands all the same, and nobody is told otherwise.
    expect(await store.claim([claimOf(few.key)])).toMatchObject([{ status: "duplicate" }]);
  });
});
