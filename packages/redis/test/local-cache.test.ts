import { createDeduplicator, jsonCodec, type Store } from "@onlyonce/core";
import { FaultyStore, ManualClock, RecordingObserver } from "@onlyonce/testing";
import { describe, expect, test, vi } from "vitest";
import { type RedisStoreOptions, redisStore } from "../src/index.js";
import { LocalCache } from "../src/local-cache.js";
import {
  CountingCommands,
  claimOf,
  client,
  heldOf,
  newKey,
  newKeys,
  ownPrefix,
  recordKey,
} from "./redis-lab.js";

const MAX_AGE_MS = 60_000;

/** A cached store over a counted client and a clock that stands still, and another process without a cache. */
function cachedLab(maxKeys = 100, options: RedisStoreOptions = {}) {
  const redis = client();
  const prefix = ownPrefix();
  const commands = new CountingCommands(redis);
  const time = { nowMs: 1_000 };
  const inner = redisStore(commands, { prefix, ...options });
  const store = new LocalCache(inner, { maxKeys, maxAgeMs: MAX_AGE_MS }, () => time.nowMs);
  const elsewhere = redisStore(client(), { prefix });
  const callsOf = async (act: () => Promise<unknown>): Promise<number> => {
    const before = commands.calls.length;
    await act();
    return commands.calls.length - before;
  };
  return { redis, prefix, time, inner, store, elsewhere, callsOf, commands };
}

async function complete(store: Store, key = newKey(), more: Parameters<typeof claimOf>[1] = {}) {
  const request = claimOf(key, { origin: { coordinates: "orders/3/7" }, ...more });
  expect(await store.claim([request])).toMatchObject([{ status: "acquired" }]);
  expect(await store.complete([heldOf(request)])).toEqual(["ok"]);
  return request;
}

/** Completes, and lets a first duplicate ask the store. */
async function known(store: Store, key = newKey(), more: Parameters<typeof claimOf>[1] = {}) {
  const request = await complete(store, key, more);
  expect(await store.claim([claimOf(request.key, more)])).toMatchObject([{ status: "duplicate" }]);
  return request;
}

describe("a local cache of completed keys", () => {
  test("answers every duplicate but the first from memory, as the store would", async () => {
    const { store, callsOf, elsewhere, time } = cachedLab();
    const { key } = await known(store);
    time.nowMs += 25;
    const calls = await callsOf(async () => {
      for (let copy = 0; copy < 1_000; copy += 1) {
        const [reply] = await store.claim([claimOf(key)]);
        expect(reply).toEqual({
          status: "duplicate",
          origin: { coordinates: "orders/3/7", ageMs: expect.any(Number) },
        });
      }
    });
    expect(calls).toBe(0);
    const [told] = await elsewhere.claim([claimOf(key)]);
    const [remembered] = await store.claim([claimOf(key)]);
    expect(remembered).toEqual({
      ...told,
      origin: { ...(told as { origin: object }).origin, ageMs: expect.any(Number) },
    });
  });

  test("tells the age of the original as it grows", async () => {
    const { store, time } = cachedLab();
    const { key } = await known(store);
    const ageMs = async (): Promise<number> => {
      const [reply] = await store.claim([claimOf(key)]);
      return reply?.status === "duplicate" ? (reply.origin.ageMs ?? -1) : -1;
    };
    const first = await ageMs();
    time.nowMs += 5_000;
    expect(await ageMs()).toBe(first + 5_000);
  });

  test("asks the store for the rest of a batch only, and keeps the order", async () => {
    const { store, commands } = cachedLab();
    const [one, two] = [await known(store), await known(store)];
    const fresh = newKey();
    const replies = await store.claim([one.key, fresh, two.key].map((key) => claimOf(key)));
    expect(replies.map((reply) => reply.status)).toEqual(["duplicate", "acquired", "duplicate"]);
    expect(commands.calls.at(-1)?.keys.map((name) => name.slice(-21))).toEqual([fresh.slice(1)]);
  });

  test("answers isDuplicate, but a copy of the call that completed the key is the store's to answer", async () => {
    const { store, callsOf } = cachedLab();
    const first = claimOf(newKey(), { origin: { coordinates: "c" } });
    expect(await store.remember([first])).toEqual([{ status: "new" }]);
    await store.claim([claimOf(first.key)]);
    const calls = await callsOf(async () => {
      expect(await store.remember([claimOf(first.key)])).toMatchObject([{ status: "duplicate" }]);
    });
    expect(calls).toBe(0);
    expect(await store.remember([first])).toEqual([{ status: "new" }]);
  });

  test("leaves another fingerprint to the store, and answers the same one", async () => {
    const { store, callsOf } = cachedLab();
    const { key } = await known(store, newKey(), { fingerprint: "one" });
    expect(await callsOf(() => store.claim([claimOf(key, { fingerprint: "one" })]))).toBe(0);
    expect(await store.claim([claimOf(key, { fingerprint: "two" })])).toMatchObject([
      { status: "conflict" },
    ]);
    expect(await callsOf(() => store.claim([claimOf(key, { fingerprint: "one" })]))).toBe(0);
  });

  test("keeps no result: duplicates get it from the store, each time", async () => {
    const { redis, prefix } = cachedLab();
    const store = redisStore(redis, { prefix, localCache: { maxKeys: 10 } });
    const dedup = createDeduplicator({
      store,
      scope: "billing",
      observers: [new RecordingObserver()],
    });
    const replay = jsonCodec<string>();
    const handler = vi.fn(() => "receipt");
    for (let copy = 0; copy < 4; copy += 1) {
      const { value } = await dedup.process({ topic: "p", id: "1" }, handler, { replay });
      expect(value).toBe("receipt");
    }
    expect(handler).toHaveBeenCalledTimes(1);
    await dedup.close();
  });

  test("keeps no key whose record has a result, whoever stored it", async () => {
    const { store, elsewhere, callsOf } = cachedLab();
    const { key } = await complete(store);
    await elsewhere.forget(key);
    const again = claimOf(key);
    await elsewhere.claim([again]);
    await elsewhere.complete([{ ...heldOf(again), result: new Uint8Array([7]) }]);
    for (const _ of [1, 2, 3]) {
      const calls = await callsOf(async () => {
        expect(await store.claim([claimOf(key)])).toMatchObject([
          { status: "duplicate", result: new Uint8Array([7]) },
        ]);
      });
      expect(calls).toBe(1);
    }
  });

  test("goes on answering while Redis is down, and hands back what it does not know", async () => {
    const { store, redis } = cachedLab();
    const { key } = await known(store);
    redis.disconnect();
    expect(await store.claim([claimOf(key)])).toMatchObject([{ status: "duplicate" }]);
    expect(await store.claim([claimOf(newKey()), claimOf(key)])).toMatchObject([
      { status: "error" },
      { status: "duplicate" },
    ]);
    await expect(store.claim([claimOf(newKey())])).rejects.toThrow();
  });

  test("answers nothing once it is closed", async () => {
    const { store } = cachedLab();
    const { key } = await known(store);
    await store.close();
    await expect(store.claim([claimOf(key)])).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CLOSED",
    });
  });

  test("lets a key that was forgotten here run at once, and keeps what was not", async () => {
    const { store } = cachedLab();
    const { key } = await known(store);
    expect(await store.forget(key)).toBe(true);
    expect(await store.claim([claimOf(key)])).toMatchObject([{ status: "acquired" }]);
  });

  test("does not believe what it is told of a key after it was forgotten", async () => {
    const { inner, elsewhere, time, callsOf } = cachedLab();
    const clock = new ManualClock();
    const faulty = new FaultyStore(inner, clock);
    const store = new LocalCache(faulty, { maxKeys: 10, maxAgeMs: MAX_AGE_MS }, () => time.nowMs);
    const { key } = await complete(store);
    faulty.next("claim", { kind: "delay", when: "after", ms: 10 });
    const late = store.claim([claimOf(key)]);
    await vi.waitUntil(() => clock.pendingTimers > 0, { timeout: 10_000 });
    expect(await store.forget(key)).toBe(true);
    await complete(store, key, { origin: { coordinates: "the next one" } });
    await clock.advance(10);
    expect(await late).toMatchObject([{ origin: { coordinates: "orders/3/7" } }]);
    for (const _ of [1, 2]) {
      expect(await store.claim([claimOf(key)])).toMatchObject([
        { status: "duplicate", origin: { coordinates: "the next one" } },
      ]);
    }

    const request = claimOf(newKey());
    await store.claim([request]);
    faulty.next("complete", { kind: "delay", when: "after", ms: 10 });
    const completing = store.complete([heldOf(request)]);
    await vi.waitUntil(() => clock.pendingTimers > 0, { timeout: 10_000 });
    expect(await store.forget(request.key)).toBe(true);
    await clock.advance(10);
    expect(await completing).toEqual(["ok"]);
    await complete(elsewhere, request.key, { windowMs: 90_000 });
    for (const _ of [1, 2]) {
      expect(await callsOf(() => store.claim([claimOf(request.key)]))).toBe(1);
    }
  });

  test("sees after maxAgeMs that a key was forgotten elsewhere, or lost", async () => {
    const { store, elsewhere, time, redis, prefix } = cachedLab();
    const forgotten = await known(store);
    const lost = await known(store);
    await elsewhere.forget(forgotten.key);
    await redis.del(recordKey(prefix, lost.key));
    time.nowMs += MAX_AGE_MS - 1;
    for (const { key } of [forgotten, lost]) {
      expect(await store.claim([claimOf(key)])).toMatchObject([{ status: "duplicate" }]);
    }
    time.nowMs += 1;
    for (const { key } of [forgotten, lost]) {
      expect(await store.claim([claimOf(key)])).toMatchObject([{ status: "acquired" }]);
    }
  });

  test("asks the store again after maxAgeMs, and believes it for as long again", async () => {
    const { store, time, callsOf } = cachedLab();
    const { key } = await known(store);
    for (let round = 0; round < 5; round += 1) {
      time.nowMs += MAX_AGE_MS;
      expect(await callsOf(() => store.claim([claimOf(key)]))).toBe(1);
      expect(await callsOf(() => store.claim([claimOf(key)]))).toBe(0);
    }
  });

  test("never outlives the record: a completion may be one lease older than its last copy", async () => {
    const { store, time, callsOf } = cachedLab();
    const short = { windowMs: 30_000, leaseMs: 10_000 };
    const request = await known(store, newKey(), short);
    time.nowMs += 19_999;
    expect(await callsOf(() => store.claim([claimOf(request.key, short)]))).toBe(0);
    // A copy of the completion is answered `ok`, and changes neither the record nor its end.
    expect(await store.complete([heldOf(request)])).toEqual(["ok"]);
    time.nowMs += 1;
    expect(await callsOf(() => store.claim([claimOf(request.key, short)]))).toBe(1);
    expect(await callsOf(() => store.claim([claimOf(request.key, short)]))).toBe(1);
  });

  test("does not take the window of a duplicate for that of the record, which may be shorter", async () => {
    const { store, elsewhere, callsOf } = cachedLab();
    const { key } = await complete(elsewhere, newKey(), { windowMs: 90_000 });
    const long = claimOf(key, { windowMs: 9_000_000 });
    expect(await callsOf(() => store.claim([long]))).toBe(1);
    expect(await callsOf(() => store.claim([claimOf(key)]))).toBe(1);
  });

  test("forgets a key whose completion was somebody else's in the end", async () => {
    const { store, elsewhere, callsOf } = cachedLab();
    const request = claimOf(newKey(), { leaseMs: 1 });
    await store.claim([request]);
    await vi.waitFor(async () => {
      const [reply] = await elsewhere.claim([claimOf(request.key)]);
      expect(reply?.status).toBe("reclaimed");
    });
    expect(await store.complete([heldOf(request)])).toEqual(["stolen"]);
    for (const _ of [1, 2]) {
      expect(await callsOf(() => store.claim([claimOf(request.key)]))).toBe(1);
    }
  });

  test("a hundred thousand keys leave as many behind as it may keep, and the youngest of them", async () => {
    const maxKeys = 1_000;
    const { store, commands } = cachedLab(maxKeys, { maxKeysPerCall: 1_000 });
    const keys = newKeys(100_000);
    const times = { leaseMs: 1_000, windowMs: 30_000 };
    const inBatches = async (act: (batch: readonly string[]) => Promise<unknown>) => {
      for (let from = 0; from < keys.length; from += 250) {
        await act(keys.slice(from, from + 250));
      }
    };
    await inBatches(async (batch) => {
      const requests = batch.map((key) => claimOf(key, times));
      await store.claim(requests);
      await store.complete(requests.map((request) => heldOf(request)));
      await store.claim(batch.map((key) => claimOf(key, times)));
    });
    const asked = (): number => commands.calls.reduce((sum, call) => sum + call.keys.length, 0);
    const before = asked();
    await store.claim(keys.slice(-maxKeys / 2).map((key) => claimOf(key, times)));
    expect(asked()).toBe(before);
    await inBatches((batch) => store.claim(batch.map((key) => claimOf(key, times))));
    expect(asked() - before).toBeGreaterThanOrEqual(keys.length - maxKeys);
  }, 120_000);
});

describe("what a local cache never keeps", () => {
  test.each(["before", "after"] as const)(
    "behaviour 28: a key whose completion failed %s it was executed",
    async (when) => {
      const { inner, callsOf, elsewhere } = cachedLab();
      const faulty = new FaultyStore(inner, new ManualClock());
      const store = new LocalCache(faulty, { maxKeys: 10, maxAgeMs: MAX_AGE_MS }, () => 0);
      const request = claimOf(newKey());
      await store.claim([request]);
      faulty.next("complete", { kind: "fail", when }, { kind: "refuse" });
      await expect(store.complete([heldOf(request)])).rejects.toThrow();
      expect(await store.complete([heldOf(request)])).toMatchObject([{ status: "error" }]);
      const truth = when === "after" ? "duplicate" : "busy";
      for (const _ of [1, 2]) {
        const calls = await callsOf(async () => {
          expect(await store.claim([claimOf(request.key)])).toMatchObject([{ status: truth }]);
        });
        expect(calls).toBe(1);
      }
      expect(await elsewhere.claim([claimOf(request.key)])).toMatchObject([{ status: truth }]);
    },
  );

  test("behaviour 28: a key that was to be remembered, but was not", async () => {
    const { inner } = cachedLab();
    const faulty = new FaultyStore(inner, new ManualClock());
    const store = new LocalCache(faulty, { maxKeys: 10, maxAgeMs: MAX_AGE_MS }, () => 0);
    const { key } = claimOf(newKey());
    faulty.next("remember", { kind: "fail", when: "before" });
    await expect(store.remember([claimOf(key)])).rejects.toThrow();
    expect(await store.remember([claimOf(key)])).toEqual([{ status: "new" }]);
  });

  test("behaviour 29: a message that was rejected for its payload, by its handler or as a conflict", async () => {
    const { redis, prefix } = cachedLab();
    const store = redisStore(redis, { prefix, localCache: { maxKeys: 10 } });
    const dedup = createDeduplicator({
      store,
      scope: "billing",
      defaults: { fingerprint: ({ payload }) => payload },
      observers: [new RecordingObserver()],
    });
    const paid = (amount: number) => ({ topic: "p", id: "1", payload: { amount } });
    const validate = vi.fn((amount: number): number => {
      if (amount < 0) throw new RangeError("negative");
      return amount;
    });
    for (const _ of [1, 2, 3]) {
      await expect(dedup.process(paid(-1), () => validate(-1))).rejects.toThrow("negative");
    }
    expect(validate).toHaveBeenCalledTimes(3);
    expect((await dedup.process(paid(5), () => validate(5))).outcome).toBe("processed");
    for (const _ of [1, 2, 3]) {
      await expect(dedup.process(paid(6), () => validate(6))).rejects.toMatchObject({
        code: "ERR_ONLYONCE_CONFLICT",
      });
      expect((await dedup.process(paid(5), () => validate(5))).outcome).toBe("duplicate");
    }
    expect(validate).toHaveBeenCalledTimes(4);
    await dedup.close();
  });

  test("behaviour 30: a key in progress, here or elsewhere", async () => {
    const { store, elsewhere } = cachedLab();
    for (const owner of [store, elsewhere]) {
      const request = claimOf(newKey());
      await owner.claim([request]);
      for (const _ of [1, 2]) {
        expect(await store.claim([claimOf(request.key)])).toMatchObject([{ status: "busy" }]);
        // A live claim counts as duplicate here, and is none to remember.
        expect(await store.remember([claimOf(request.key)])).toMatchObject([
          { status: "duplicate" },
        ]);
      }
      expect(await owner.release([{ ...heldOf(request), as: "failed" }])).toEqual(["ok"]);
      expect(await store.claim([claimOf(request.key)])).toMatchObject([{ status: "reclaimed" }]);
    }
  });

  test("behaviour 30: a key that was reset for a re-drive after it was dead-lettered", async () => {
    const { store } = cachedLab();
    const request = claimOf(newKey());
    await store.claim([request]);
    await store.release([{ ...heldOf(request), as: "reset" }]);
    expect(await store.claim([claimOf(request.key)])).toMatchObject([
      { status: "reclaimed", attempt: 1 },
    ]);
  });
});
