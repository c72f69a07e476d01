import { createHash } from "node:crypto";
import { createDeduplicator, header, jsonCodec, type TopicPolicy } from "@onlyonce/core";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import * as compact from "../src/generated/compact-scripts.js";
import { claimScript, type Script } from "../src/generated/scripts.js";
import { type CompactLayout, type RedisCommands, redisStore } from "../src/index.js";
import { bucketOf, keyNumber } from "../src/key-number.js";
import { slicesOf } from "../src/layout-options.js";
import { SlicedCommands } from "../src/sliced-commands.js";
import { claimOf, client, heldOf, lab, newKey, newKeys, ownPrefix } from "./redis-lab.js";

const WINDOW_MS = 600_000;
const LAYOUT: CompactLayout = { kind: "compact", windowMs: WINDOW_MS, expectedPerWindow: 100_000 };
/** So short that the record of a completed key is soon gone. */
const LEASE_MS = 100;

afterEach(() => {
  vi.restoreAllMocks();
});

async function serverMs(redis: ReturnType<typeof client>): Promise<number> {
  const [seconds = 0, micros = 0] = await redis.time();
  return seconds * 1000 + Math.floor(micros / 1000);
}

function compactLab(layout: Partial<CompactLayout> = {}) {
  const made = lab({ layout: { ...LAYOUT, ...layout } });
  const setsOf = async (): Promise<string[]> => {
    const found = new Set<string>();
    for await (const keys of made.redis.scanStream({ match: `${made.prefix}*`, type: "set" })) {
      for (const key of keys as string[]) found.add(key);
    }
    return [...found];
  };
  return { ...made, setsOf };
}

/** Completes a key and waits until nothing but its number is left. */
async function completeAndFade({ redis, store, recordKey }: ReturnType<typeof compactLab>) {
  const request = claimOf(newKey(), { leaseMs: LEASE_MS, windowMs: WINDOW_MS });
  await store.claim([request]);
  expect(await store.complete([heldOf(request)])).toEqual(["ok"]);
  await vi.waitFor(async () => expect(await redis.exists(recordKey(request.key))).toBe(0), 10_000);
  return request;
}

describe("the scripts of the compact layout", () => {
  const ALL: readonly (readonly [string, Script])[] = Object.entries(compact);

  test("there is one for each call that looks at completed keys", () => {
    expect(ALL.map(([name]) => name).sort()).toEqual(
      ["claim", "complete", "forget", "inspect", "remember", "renew"].map(
        (verb) => `${verb}Script`,
      ),
    );
  });

  test.each(ALL)("%s is cached by the server under the name that we compute", async (_, script) => {
    expect(await client().script("LOAD", script.source)).toBe(script.sha1);
    expect(createHash("sha1").update(script.source).digest("hex")).toBe(script.sha1);
  });

  test("behaviour 59: scripts that the server forgot are sent again", async () => {
    const { redis, store } = compactLab();
    const request = claimOf(newKey());
    await redis.script("FLUSH");
    expect(await store.claim([request])).toMatchObject([{ status: "acquired" }]);
    await redis.script("FLUSH");
    expect(await store.complete([heldOf(request)])).toEqual(["ok"]);
  });
});

describe("options of the compact layout", () => {
  const redis = { evalsha: () => undefined, eval: () => undefined } as unknown as RedisCommands;

  test.each([
    [{ kind: "slices" }, 'layout.kind must be "keys" or "compact", got "slices"'],
    [{ kind: "keys", windowMs: 5 }, 'unknown option "windowMs" in layout: 5'],
    [{ ...LAYOUT, shards: 5 }, 'unknown option "shards" in layout: 5'],
    [{ kind: "compact" }, "layout.windowMs must be a number, got undefined"],
    [{ ...LAYOUT, windowMs: 999 }, "layout.windowMs must be a whole number from 1000"],
    [{ ...LAYOUT, expectedPerWindow: 0 }, "layout.expectedPerWindow must be a whole number from 1"],
    [{ ...LAYOUT, sliceMs: 18_749 }, "layout.sliceMs must be a whole number from 18750 to 600000"],
    [{ ...LAYOUT, sliceMs: 600_001 }, "layout.sliceMs must be a whole number from 18750 to 600000"],
    [{ ...LAYOUT, keepRecordsMs: -1 }, "layout.keepRecordsMs must be a whole number from 0"],
  ])("behaviour 50: %j throws at construction", (layout, message) => {
    expect(() => redisStore(redis, { layout } as never)).toThrow(message);
  });

  test("behaviour 50: what is no object is refused", () => {
    expect(() => redisStore(redis, { layout: "compact" } as never)).toThrow(
      'layout must be an object, got "compact"',
    );
  });

  test("sets are planned for 100 to 200 numbers, of which 512 fit", () => {
    for (const expected of [20_000, 1e6, 123_456_789]) {
      const { buckets, sliceMs, windowMs } = slicesOf(86_400_000, expected);
      const perSet = (expected * sliceMs) / windowMs / 64 / buckets;
      expect(perSet).toBeGreaterThan(expected > 50_000 ? 100 : 50);
      expect(perSet).toBeLessThanOrEqual(200);
    }
    expect(slicesOf(86_400_000, 10).buckets).toBe(1);
  });

  test("the core learns what the layout can't do, also through a local cache", () => {
    const limits = { completedRecords: "bare", maxWindowMs: WINDOW_MS, system: "redis" };
    expect(redisStore(redis, { layout: LAYOUT })).toMatchObject(limits);
    const localCache = { maxKeys: 10 };
    expect(redisStore(redis, { layout: LAYOUT, localCache })).toMatchObject(limits);
    expect(redisStore(redis, { layout: { kind: "keys" } }).completedRecords).toBeUndefined();
  });

  test("fingerprints, results and windows that can't be kept are refused, and nothing is sent", async () => {
    const { store } = compactLab();
    const request = claimOf(newKey());
    await expect(store.claim([{ ...request, fingerprint: "f" }])).rejects.toThrow(/fingerprint/);
    await expect(store.remember([{ ...request, fingerprint: "f" }])).rejects.toThrow(/fingerprint/);
    const result = new Uint8Array(1);
    await expect(store.complete([{ ...heldOf(request), result }])).rejects.toThrow(/result/);
    const tooLong = { ...request, windowMs: WINDOW_MS + 1 };
    await expect(store.claim([tooLong])).rejects.toThrow(
      /windowMs must be at most layout\.windowMs \(600000\), got 600001/,
    );
    await expect(store.complete([tooLong])).rejects.toThrow(/windowMs/);
    expect(await store.inspect(request.key)).toBeUndefined();
  });
});

describe("numbers that stand for keys", () => {
  test("keys that differ in one character only have different numbers", () => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const key = newKey().slice(1);
    for (let place = 0; place < 21; place += 1) {
      const numbers = [...letters].map(
        (letter) => keyNumber(key.slice(0, place) + letter + key.slice(place + 1), 0).number,
      );
      expect(new Set(numbers).size).toBe(64);
    }
  });

  test("numbers of 100,000 keys are 64-bit integers, all different, each bit as often on as off", () => {
    const numbers = newKeys(100_000).map((key) => BigInt(keyNumber(key, 1).number));
    expect(new Set(numbers).size).toBe(100_000);
    for (let bit = 0n; bit < 64n; bit += 1n) {
      const on = numbers.filter((number) => ((number >> bit) & 1n) === 1n).length;
      // Six standard deviations of a fair coin: once in 8 million runs over all bits.
      expect(Math.abs(on - 50_000)).toBeLessThan(950);
    }
    const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
    expect(numbers.every((number) => number >= least && number <= most)).toBe(true);
  });

  test("100,000 keys fill 500 buckets evenly enough for sets of integers", () => {
    const counts = new Array<number>(500).fill(0);
    for (const key of newKeys(100_000)) {
      const bucket = bucketOf(keyNumber(key, 1), 500);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    // 200 in each but for chance: seven standard deviations of 14.
    expect(Math.max(...counts)).toBeLessThan(300);
    expect(Math.min(...counts)).toBeGreaterThan(100);
  });
});

describe("completed keys of the compact layout", () => {
  test("only a number is left once copies of the completion can't come any more", async () => {
    const made = compactLab();
    const { key } = await completeAndFade(made);
    const sets = await made.setsOf();
    expect(sets).toHaveLength(1);
    expect(sets[0]).toMatch(`${made.prefix}{${key[0]}}:`);
    expect(await made.redis.smembers(sets[0] ?? "")).toEqual([keyNumber(key, 1).number]);
    expect(await made.redis.object("ENCODING", sets[0] ?? "")).toBe("intset");
  });

  test("what comes after that is answered as for somebody else's completed key", async () => {
    const made = compactLab();
    const { store } = made;
    const request = await completeAndFade(made);
    const { key } = request;
    const [before] = await made.setsOf();
    const ttlBefore = await made.redis.pexpiretime(before ?? "");
    expect(await store.claim([request, claimOf(key)])).toEqual([
      { status: "duplicate", origin: {} },
      { status: "duplicate", origin: {} },
    ]);
    expect(await store.remember([request])).toEqual([{ status: "duplicate", origin: {} }]);
    expect(await store.start([heldOf(request)])).toEqual(["lost"]);
    expect(await store.renew([heldOf(request)])).toEqual(["lost"]);
    expect(await store.release([{ ...heldOf(request), as: "failed" }])).toEqual(["lost"]);
    expect(await store.complete([heldOf(request), heldOf(claimOf(key))])).toEqual([
      "stolen",
      "stolen",
    ]);
    expect(await made.setsOf()).toEqual([before]);
    expect(await made.redis.pexpiretime(before ?? "")).toBe(ttlBefore);
    expect(await made.redis.exists(made.recordKey(key))).toBe(0);
  });

  test("a copy of a completion is answered like the first one for a lease, and another's is not", async () => {
    const { store, redis, recordKey } = compactLab();
    const [done, late] = [claimOf(newKey()), claimOf(newKey(), { leaseMs: 50 })];
    await store.claim([done, late]);
    expect(await store.complete([heldOf(done)])).toEqual(["ok"]);
    const claimedMs = await serverMs(redis);
    await vi.waitFor(async () =>
      expect(await serverMs(redis)).toBeGreaterThanOrEqual(claimedMs + 50),
    );
    expect(await store.complete([{ ...heldOf(late), leaseMs: 60_000 }])).toEqual(["late"]);
    for (const request of [done, late]) {
      expect(await redis.pttl(recordKey(request.key))).toBeGreaterThan(60_000);
      expect(await store.complete([heldOf(claimOf(request.key))])).toEqual(["stolen"]);
    }
    expect(await store.complete([heldOf(done), heldOf(late)])).toEqual(["ok", "late"]);
  });

  test("a number ends when the window of its key does, or up to one slice later, never earlier", async () => {
    const sliceMs = 60_000;
    const { redis, store, setsOf, prefix } = compactLab({ sliceMs, expectedPerWindow: 1 });
    const windows = [1, 59_999, 60_000, 60_001, 123_456, WINDOW_MS];
    for (const windowMs of windows) {
      const beforeMs = await serverMs(redis);
      await store.remember(newKeys(20).map((key) => claimOf(key, { windowMs })));
      const afterMs = await serverMs(redis);
      const sets = await setsOf();
      expect(sets.length).toBeGreaterThan(0);
      const ends = await Promise.all(sets.map((set) => redis.pexpiretime(set)));
      for (const end of ends) {
        expect(end).toBeGreaterThanOrEqual(beforeMs + windowMs);
        expect(end).toBeLessThan(afterMs + windowMs + sliceMs);
      }
      await redis.del(...(await redis.keys(`${prefix}*`)));
    }
  });

  test("behaviours 47 and 48: under a real clock keys are duplicates for their window, over all slices, and new one slice later", async () => {
    const windowMs = 2_000;
    const sliceMs = 250;
    const { redis, store } = compactLab({ windowMs, sliceMs });
    const completed = new Map<string, { readonly fromMs: number; readonly toMs: number }>();
    const early: string[] = [];
    const late: string[] = [];
    const forgotten: number[] = [];
    const look = async (): Promise<void> => {
      const keys = [...completed.keys()];
      const fromMs = await serverMs(redis);
      const records = await Promise.all(keys.map((key) => store.inspect(key)));
      const toMs = await serverMs(redis);
      for (const [place, key] of keys.entries()) {
        const done = completed.get(key);
        if (done === undefined) continue;
        const isKnown = records[place] !== undefined;
        if (!isKnown && toMs < done.fromMs + windowMs) early.push(key);
        if (isKnown && fromMs > done.toMs + windowMs + sliceMs) late.push(key);
        if (isKnown) continue;
        forgotten.push(toMs);
        completed.delete(key);
      }
    };
    for (let turn = 0; turn < 20; turn += 1) {
      const request = claimOf(newKey(), { leaseMs: LEASE_MS, windowMs });
      const fromMs = await serverMs(redis);
      await store.claim([request]);
      expect(await store.complete([heldOf(request)])).toEqual(["ok"]);
      completed.set(request.key, { fromMs, toMs: await serverMs(redis) });
      await look();
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await vi.waitFor(
      async () => {
        await look();
        expect(completed.size).toBe(0);
      },
      { timeout: 15_000, interval: 20 },
    );
    expect(forgotten).toHaveLength(20);
    expect({ early, late }).toEqual({ early: [], late: [] });
  });

  test("a crash between claim and completion leaves no number, and the next one takes over", async () => {
    const { store, setsOf } = compactLab();
    const crashed = newKeys(20).map((key) => claimOf(key, { leaseMs: 20 }));
    await store.claim(crashed);
    await vi.waitFor(async () => {
      const replies = await store.claim(crashed.map(({ key }) => claimOf(key)));
      expect(replies).toMatchObject(crashed.map(() => ({ status: "reclaimed", takeover: true })));
    });
    expect(await setsOf()).toEqual([]);
  });

  test("a key of which only the number is left is forgotten as it was seen before, and once", async () => {
    const made = compactLab();
    const { store } = made;
    const request = claimOf(newKey(), { leaseMs: 1_000, windowMs: WINDOW_MS });
    await store.claim([request]);
    await store.complete([heldOf(request)]);
    const seen = await store.inspect(request.key);
    expect(seen).toMatchObject({ state: "completed", origin: {} });
    expect(seen?.expiresInMs).toBeGreaterThan(WINDOW_MS - 60_000);
    await vi.waitFor(
      async () => expect(await made.redis.exists(made.recordKey(request.key))).toBe(0),
      10_000,
    );
    expect(await store.forget(request.key, seen)).toBe(true);
    expect(await store.forget(request.key, seen)).toBe(false);
    expect(await made.setsOf()).toEqual([]);
    expect(await store.claim([claimOf(request.key)])).toMatchObject([{ status: "acquired" }]);
  });

  test("a malformed record over a completed key does not make it new", async () => {
    const made = compactLab();
    const { key } = await completeAndFade(made);
    await made.redis.set(made.recordKey(key), "no record", "PX", 60_000);
    expect(await made.store.claim([claimOf(key)])).toMatchObject([{ status: "duplicate" }]);
    expect(await made.store.forget(key)).toBe(true);
    expect(await made.redis.exists(made.recordKey(key))).toBe(0);
  });

  test("a key costs no more than 11 bytes where as many come as were expected", async () => {
    const keys = newKeys(40_000);
    const { redis, store, setsOf } = compactLab({
      windowMs: 86_400_000,
      expectedPerWindow: keys.length * 4,
    });
    for (let from = 0; from < keys.length; from += 1_000) {
      const some = keys.slice(from, from + 1_000);
      await store.remember(some.map((key) => claimOf(key, { leaseMs: 1, windowMs: 500_000 })));
    }
    const sets = await setsOf();
    const usages = await Promise.all(sets.map((set) => redis.call("MEMORY", "USAGE", set)));
    const bytes = usages.reduce((sum: number, usage) => sum + Number(usage), 0);
    expect(bytes / keys.length).toBeLessThanOrEqual(11);
    const sizes = await Promise.all(sets.map((set) => redis.scard(set)));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(keys.length);
    await redis.unlink(...sets);
  });
});

describe("check of the compact layout", () => {
  test("more keys than were expected are told before they take the memory", async () => {
    const { redis, store, setsOf } = compactLab({ expectedPerWindow: 1 });
    const codes = async (): Promise<string[]> => (await store.check()).map(({ code }) => code);
    const keys = newKeys(1_100).map((key) => `A${key.slice(1)}`);
    await store.remember(keys.slice(0, 512).map((key) => claimOf(key, { leaseMs: 1 })));
    expect(await codes()).not.toContain("layout_crowded");
    await store.remember(keys.slice(512).map((key) => claimOf(key, { leaseMs: 1 })));
    expect(await codes()).toContain("layout_crowded");
    // Nothing but memory suffers.
    const sets = await setsOf();
    const encodings = await Promise.all(sets.map((set) => redis.object("ENCODING", set)));
    expect(encodings).toContain("hashtable");
    const again = await store.claim(keys.map((key) => claimOf(key)));
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set(["duplicate"]));
  });

  test("a window that is shorter than the probe of the server is no reason to complain", async () => {
    const { store, setsOf } = compactLab({ windowMs: 1_000 });
    const codes = (await store.check()).map(({ code }) => code);
    expect(codes.filter((code) => /fail|refused|missing/.test(code))).toEqual([]);
    expect(await setsOf()).toEqual([]);
  });

  test("a server whose sets of integers end early is told", async () => {
    const redis = client();
    const limited: RedisCommands = {
      evalsha: (...args) => redis.evalsha(...args),
      eval: (...args) => redis.eval(...args),
      info: (section) => redis.info(section),
      config: async (subcommand, name) =>
        name === "set-max-intset-entries" ? [name, "128"] : redis.config(subcommand, name),
    };
    const store = redisStore(limited, { prefix: ownPrefix(), layout: LAYOUT });
    const found = (await store.check()).find(({ code }) => code === "intset_limit_low");
    expect(found?.message).toContain("set-max-intset-entries is 128");
  });
});

describe("the clock that slices follow", () => {
  test("behaviour 42: a process whose clock is days off asks the right sets, after one call that changed nothing", async () => {
    const { redis, store, prefix } = compactLab();
    const request = claimOf(newKey());
    await store.remember([request]);
    const realNow = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => realNow() + 3 * 86_400_000);
    const refusals: unknown[] = [];
    const noted = async (call: Promise<unknown>): Promise<unknown> => {
      const reply = await call;
      if (String(reply).startsWith("!")) refusals.push(reply);
      return reply;
    };
    const commands: RedisCommands = {
      evalsha: (...args) => noted(redis.evalsha(...args)),
      eval: (...args) => noted(redis.eval(...args)),
      info: (section) => redis.info(section),
      config: (subcommand, name) => redis.config(subcommand, name),
    };
    const skewed = redisStore(commands, { prefix, layout: LAYOUT, commandTimeoutMs: 10_000 });
    expect(await skewed.claim([claimOf(request.key)])).toMatchObject([{ status: "duplicate" }]);
    expect(refusals).toHaveLength(1);
    expect(await skewed.claim([claimOf(newKey())])).toMatchObject([{ status: "acquired" }]);
    expect(refusals).toHaveLength(1);
  });

  test("a call for another slice than the server's answers the server's time and writes nothing", async () => {
    const { redis, prefix } = compactLab();
    const names = [`${prefix}{k}ey`, `${prefix}{k}:set`];
    const parameters = ["token", "0", "1", "100", "1000", "7", "3", "60000", "1", "0", "1"];
    const { source } = compact.rememberScript;
    const beforeMs = await serverMs(redis);
    const reply = await redis.eval(source, names.length, ...names, ...parameters);
    expect(reply).toMatch(/^!\d{13}$/);
    expect(Number(String(reply).slice(1))).toBeGreaterThanOrEqual(beforeMs);
    expect(await redis.exists(...names)).toBe(0);
  });
});

describe("a deduplicator on the compact layout", () => {
  const delivery = { topic: "payments", id: "p-1", coordinates: "payments/1" };
  const policy = { ackTimeoutMs: 60_000, maxAttempts: 2, windowMs: WINDOW_MS };

  function guarded(defaults: TopicPolicy = policy) {
    const { redis, store, prefix } = compactLab();
    const dedup = createDeduplicator({ store, scope: newKey(), defaults });
    onTestFinished(() => dedup.close({ drainMs: 0 }));
    /** What a lease and a quarter would do. */
    const fade = async () => {
      const names = await redis.keys(`${prefix}*`);
      const records = names.filter((name) => !name.includes("}:"));
      expect(records.length).toBeGreaterThan(0);
      await redis.del(...records);
    };
    return { dedup, fade };
  }

  test("runs a message once, and drops its copies also when only the number is left", async () => {
    const { dedup, fade } = guarded();
    const handler = vi.fn();
    expect((await dedup.process(delivery, handler)).outcome).toBe("processed");
    expect((await dedup.process(delivery, handler)).outcome).toBe("duplicate");
    await dedup.check();
    await fade();
    expect(await dedup.process(delivery, handler)).toEqual({ outcome: "duplicate", origin: {} });
    expect(await dedup.isDuplicate(delivery)).toBe(true);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(await dedup.forget(delivery)).toBe(true);
    expect((await dedup.process(delivery, handler)).outcome).toBe("processed");
  });

  test("counts attempts, and dead-letters a poison message", async () => {
    const { dedup } = guarded();
    const attempts: number[] = [];
    const deadLetter = vi.fn(async () => undefined);
    const failing = async ({ attempt }: { readonly attempt: number }) => {
      attempts.push(attempt);
      throw new Error("no");
    };
    await expect(dedup.process(delivery, failing, { deadLetter })).rejects.toThrow("no");
    await dedup.process(delivery, failing, { deadLetter }).catch(() => undefined);
    expect(attempts).toEqual([1, 2]);
    expect(deadLetter).toHaveBeenCalledTimes(1);
  });

  test("behaviour 50: refuses fingerprints and longer windows at construction, and replay at once", async () => {
    expect(() => guarded({ ...policy, fingerprint: header("etag") })).toThrow("fingerprint");
    expect(() => guarded({ ...policy, windowMs: WINDOW_MS + 1 })).toThrow(/maxWindowMs \(600000\)/);
    expect(() => guarded({})).toThrow(/windowMs must be at most .* got 86400000/);
    const handler = vi.fn();
    await expect(
      guarded().dedup.process(delivery, handler, { replay: jsonCodec() }),
    ).rejects.toThrow("replay");
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("a call that met another slice", () => {
  const otherSlice = (answerMs: number, answers: readonly string[]) => {
    const calls: (readonly string[])[] = [];
    const evalsha = async (_sha1: string, _keyCount: number, ...parameters: string[]) => {
      calls.push(parameters);
      await new Promise((resolve) => setTimeout(resolve, answerMs));
      return answers[calls.length - 1];
    };
    const commands = { evalsha, eval: evalsha, isCluster: false };
    const options = { prefix: "p:", commandTimeoutMs: 50 };
    return { calls, sliced: new SlicedCommands(commands, slicesOf(1_000, 1, 1_000), options) };
  };
  const key = `p:{k}${newKey().slice(1)}`;
  const send = (sliced: SlicedCommands) =>
    sliced.evalsha(claimScript.sha1, 1, key, "token 1 0 ", "1", "100", "1000");

  test("is sent once more, for the slice that the server told", async () => {
    const { calls, sliced } = otherSlice(0, ["!1234567890123", "a"]);
    expect(await send(sliced)).toBe("a");
    expect(calls[1]?.slice(1, 3)).toEqual([1234567891, 1234567892].map(setNamed));
    expect(calls[1]?.slice(7)).toEqual([
      keyNumber(key, 5).number,
      "1234567890",
      "1000",
      "2",
      "0",
      "1",
    ]);
    expect(calls[1]).toHaveLength(13);

    function setNamed(slice: number): string {
      return `p:{k}:rs.1:${slice.toString(36)}.0`;
    }
  });

  test("is not sent any more once its caller has been told that it failed", async () => {
    const { calls, sliced } = otherSlice(80, ["!1234567890123", "a"]);
    await expect(send(sliced)).rejects.toThrow("commandTimeoutMs (50 ms)");
    expect(calls).toHaveLength(1);
  });
});

describe("a change of layout", () => {
  test("records of the keys layout are duplicates, claims and failures for the compact one", async () => {
    const { redis, prefix, store: compactStore } = compactLab();
    const keysStore = redisStore(redis, { prefix });
    const [done, live, failed] = [claimOf(newKey()), claimOf(newKey()), claimOf(newKey())];
    await keysStore.claim([done, live, failed]);
    await keysStore.complete([{ ...heldOf(done), origin: { coordinates: "orders/1" } }]);
    await keysStore.release([{ ...heldOf(failed), as: "failed" }]);
    const replies = await compactStore.claim([done, live, failed].map(({ key }) => claimOf(key)));
    expect(replies).toMatchObject([
      { status: "duplicate", origin: { coordinates: "orders/1" } },
      { status: "busy" },
      { status: "reclaimed", takeover: false, attempt: 2 },
    ]);
    expect(await compactStore.complete([heldOf(live), heldOf(done)])).toEqual(["ok", "ok"]);
    const seen = await compactStore.inspect(done.key);
    expect(await compactStore.forget(done.key, seen)).toBe(true);
  });

  test("while both layouts run, and when the numbers change, records kept for the window leave no gap", async () => {
    const prefix = ownPrefix();
    const redis = client();
    const keep = { ...LAYOUT, keepRecordsMs: WINDOW_MS };
    const stores = [
      redisStore(redis, { prefix }),
      redisStore(redis, { prefix, layout: keep }),
      redisStore(redis, { prefix, layout: { ...keep, expectedPerWindow: 10_000_000 } }),
      redisStore(redis, { prefix, layout: { ...keep, sliceMs: 60_000 } }),
    ];
    for (const writer of stores) {
      const request = claimOf(newKey(), { leaseMs: LEASE_MS, windowMs: WINDOW_MS });
      await writer.claim([request]);
      expect(await writer.complete([heldOf(request)])).toEqual(["ok"]);
      for (const reader of stores) {
        expect(await reader.claim([claimOf(request.key)])).toMatchObject([{ status: "duplicate" }]);
      }
      const leftMs = await redis.pttl(`${prefix}{${request.key[0]}}${request.key.slice(1)}`);
      expect(leftMs).toBeGreaterThan(WINDOW_MS - 60_000);
    }
  });
});
