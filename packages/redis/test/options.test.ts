import type { Cluster, Redis } from "ioredis";
import type { Cluster as Cluster5, Redis as Redis5 } from "ioredis-5";
import { describe, expect, expectTypeOf, inject, test } from "vitest";
import { type RedisCommands, redisStore } from "../src/index.js";
import { claimOf, client, lab, newKey } from "./redis-lab.js";

const redis = { evalsha: () => undefined, eval: () => undefined } as unknown as RedisCommands;

describe("options of redisStore", () => {
  const WRONG: readonly (readonly [string, unknown])[] = [
    ["commandTimeoutMs", 4],
    ["commandTimeoutMs", 0],
    ["commandTimeoutMs", -1],
    ["commandTimeoutMs", Number.NaN],
    ["commandTimeoutMs", Number.POSITIVE_INFINITY],
    ["commandTimeoutMs", 10.5],
    ["commandTimeoutMs", "1000"],
    ["commandTimeoutMs", null],
    ["maxKeysPerCall", 0],
    ["maxKeysPerCall", 1001],
    ["maxCallsInFlight", 0],
    ["maxCallsInFlight", 65],
    ["prefix", "a{b"],
    ["prefix", "a}b"],
    ["prefix", "a b"],
    ["prefix", "ü:"],
    ["prefix", "a\nb"],
    ["prefix", "x".repeat(65)],
    ["prefix", 7],
    ["leaseMs", 1000],
    ["commandTimeout", 1000],
    ["localCache", true],
    ["localCache", null],
  ];

  test.each(WRONG)(
    "behaviour 50: %s = %s throws at construction and quotes the value",
    (name, value) => {
      const quoted = typeof value === "string" ? value.slice(0, 20).split("\n")[0] : String(value);
      expect(() => redisStore(redis, { [name]: value })).toThrow(name);
      expect(() => redisStore(redis, { [name]: value })).toThrow(quoted);
    },
  );

  test("what is no client is refused", () => {
    for (const wrong of [undefined, null, {}, "redis://localhost"]) {
      expect(() => redisStore(wrong as unknown as RedisCommands)).toThrow("ioredis client");
    }
  });

  test.each([
    [{}, "localCache.maxKeys must be a number, got undefined"],
    [{ maxKeys: 1 }, "localCache.maxKeys must be a whole number from 2 to 10000000, got 1"],
    [
      { maxKeys: 1e9 },
      "localCache.maxKeys must be a whole number from 2 to 10000000, got 1000000000",
    ],
    [
      { maxKeys: 10, maxAgeMs: 0 },
      "localCache.maxAgeMs must be a whole number from 1 to 86400000, got 0",
    ],
    [{ maxKeys: 10, ttlMs: 5 }, 'unknown option "ttlMs" in localCache: 5'],
  ])("behaviour 50: localCache: %j throws at construction", (localCache, message) => {
    expect(() => redisStore(redis, { localCache } as never)).toThrow(message);
  });

  test("the core can read how long a call may take", () => {
    expect(redisStore(redis).commandTimeoutMs).toBe(1000);
    expect(redisStore(redis, { commandTimeoutMs: 5 }).commandTimeoutMs).toBe(5);
    const localCache = { maxKeys: 2 };
    expect(redisStore(redis, { commandTimeoutMs: 5, localCache })).toMatchObject({
      commandTimeoutMs: 5,
      system: "redis",
    });
  });

  test("the prefix starts every key, and nothing else of a message does", async () => {
    const { redis, store } = lab({ prefix: "any/Prefix-1:" });
    const key = newKey();
    await store.claim([claimOf(key)]);
    const name = `any/Prefix-1:{${key[0]}}${key.slice(1)}`;
    expect(await redis.exists(name)).toBe(1);
    await redis.del(name);
  });

  test("behaviour 93: stores with different prefixes on one client do not see each other", async () => {
    const shared = client();
    const [one, two] = [
      redisStore(shared, { prefix: "t1:" }),
      redisStore(shared, { prefix: "t2:" }),
    ];
    const request = claimOf(newKey(), { windowMs: 5000 });
    expect(await one.claim([request])).toMatchObject([{ status: "acquired" }]);
    expect(await two.claim([claimOf(request.key, { windowMs: 5000 })])).toMatchObject([
      { status: "acquired" },
    ]);
  });

  test("a key prefix of the client is left to the client", async () => {
    const prefixed = client({ keyPrefix: "mine:" });
    const store = redisStore(prefixed, { prefix: "t:" });
    const request = claimOf(newKey(), { windowMs: 5000 });
    await store.claim([request]);
    expect(await client().exists(`mine:t:{${request.key[0]}}${request.key.slice(1)}`)).toBe(1);
  });

  test("single clients and clusters of both ioredis lines fit the type", () => {
    expectTypeOf<Redis>().toExtend<RedisCommands>();
    expectTypeOf<Cluster>().toExtend<RedisCommands>();
    expectTypeOf<Redis5>().toExtend<RedisCommands>();
    expectTypeOf<Cluster5>().toExtend<RedisCommands>();
    expect(inject("redisUrl")).toMatch(/^rediss?:/);
  });
});
