import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  createDeduplicator,
  type Deduplicator,
  type Delivery,
  type TopicPolicy,
} from "@onlyonce/core";
import { attend } from "@onlyonce/core/adapter";
import { redisStore } from "@onlyonce/redis";
import { RecordingObserver, startTcpProxy } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { beforeEach, describe, expect, inject, it, onTestFinished, vi } from "vitest";
import { startRedis } from "../servers/redis-process.js";

let redis: Redis;
let prefix: string;

beforeEach(() => {
  redis = client(inject("redisUrl"));
  prefix = `t${randomBytes(6).toString("hex")}:`;
});

function client(url: string): Redis {
  const one = new Redis(url, { retryStrategy: () => 50 });
  one.on("error", () => undefined);
  onTestFinished(() => one.disconnect());
  return one;
}

function member(on: Redis, policy: TopicPolicy = {}, commandTimeoutMs = 500) {
  const observer = new RecordingObserver();
  const dedup = createDeduplicator({
    store: redisStore(on, { prefix, commandTimeoutMs }),
    scope: "test",
    defaults: { ackTimeoutMs: 30_000, leaseMs: 6_000, busyWaitMs: 300, ...policy },
    observers: [observer],
  });
  return { dedup, observer };
}

/** Where the record of a delivery stands. */
async function recordOf(dedup: Deduplicator, delivery: Delivery): Promise<string> {
  let key = "";
  await dedup.process(delivery, ({ idempotencyKey }) => {
    key = idempotencyKey;
  });
  return `${prefix}{${key.charAt(0)}}${key.slice(1)}`;
}

const payment = { topic: "payments", id: "p1" };

describe("behaviours 60 and 61: a record that something else wrote", () => {
  it.each([
    ["garbage", (at: string) => redis.set(at, "\u0000\u00ff no record")],
    ["nothing at all", (at: string) => redis.set(at, "")],
    ["a megabyte", (at: string) => redis.set(at, "C1".padEnd(1_000_000, "x"))],
    ["a hash (WRONGTYPE)", (at: string) => redis.hset(at, "field", "value")],
    ["a list (WRONGTYPE)", (at: string) => redis.rpush(at, "value")],
  ])("%s: the message runs once, and is remembered from then on", async (_name, write) => {
    const { dedup } = member(redis);
    const at = await recordOf(dedup, payment);
    await redis.del(at);
    await write(at);
    const handler = vi.fn();
    expect(await attend(dedup, payment, handler)).toMatchObject({ outcome: "processed" });
    expect(await attend(dedup, payment, handler)).toMatchObject({ outcome: "duplicate" });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it("a claim of a newer version: the message waits, whatever the policy for a store that is down", async () => {
    const { dedup, observer } = member(redis, { onStoreDown: "process" });
    const at = await recordOf(dedup, payment);
    await redis.set(at, "C2 what a newer version keeps");
    const handler = vi.fn();
    expect(await attend(dedup, payment, handler)).toMatchObject({
      outcome: "store_error",
      settlement: "retry",
    });
    expect(handler).not.toHaveBeenCalled();
    expect(await redis.get(at)).toBe("C2 what a newer version keeps");
    await vi.waitFor(() => {
      expect(observer.findings.map(({ code }) => code)).toContain("record_newer");
    });
  });

  it("a completion of a newer version: the message is a duplicate", async () => {
    const { dedup } = member(redis);
    const at = await recordOf(dedup, payment);
    await redis.set(at, "D2 what a newer version keeps");
    const handler = vi.fn();
    expect(await attend(dedup, payment, handler)).toMatchObject({ outcome: "duplicate" });
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("behaviour 17: ids of any length and content", () => {
  const MEGABYTE = "x".repeat(1_000_000);
  const BYTES = randomBytes(1_000_000);
  const altered = Buffer.from(BYTES);
  altered[999_999] = (altered[999_999] ?? 0) ^ 1;

  it.each([
    ["of a megabyte", `${MEGABYTE}a`, `${MEGABYTE}b`],
    ["of braces, line breaks and zeros", "{}\r\n\0{a}", "{}\r\n\0{b}"],
    ["of emoji and half surrogates", "💳\ud83d", "💳\ud83e"],
    ["of a megabyte of bytes", BYTES, altered],
  ])("%s are told apart, and no key grows with them", async (_name, one, other) => {
    const { dedup } = member(redis, { key: ({ payload }) => payload as Uint8Array | string });
    const handler = vi.fn();
    const run = async (payload: Uint8Array | string) =>
      (await attend(dedup, { topic: "payments", payload }, handler)).outcome;
    expect([await run(one), await run(other), await run(one), await run(other)]).toEqual([
      ...["processed", "processed"],
      ...["duplicate", "duplicate"],
    ]);
    expect(handler).toHaveBeenCalledTimes(2);
    // The start-up check has a key of its own for a moment.
    await vi.waitFor(async () => {
      const keys = await redis.keys(`${prefix}*`);
      expect(keys.map(({ length }) => length)).toEqual([prefix.length + 24, prefix.length + 24]);
    });
  });
});

it("a slow network: messages take their time and run once; one that is slower than commandTimeoutMs loses none", async () => {
  const { hostname: host, port } = new URL(inject("redisUrl"));
  const proxy = await startTcpProxy({ target: { host, port: Number(port) } });
  onTestFinished(() => proxy.close());
  const { dedup, observer } = member(client(proxy.url(inject("redisUrl"))), { busyWaitMs: 2_000 });
  const effects = new Map<string, number>();
  const run = (id: string) =>
    attend(dedup, { topic: "payments", id }, () => {
      effects.set(id, (effects.get(id) ?? 0) + 1);
    });
  await run("warm-up");
  proxy.delay(60);
  const slow = Array.from({ length: 100 }, (_, i) => `slow${i}`);
  await Promise.all([...slow, ...slow].map(run));
  expect(observer.count("processed")).toBe(101);
  expect(observer.count("duplicate")).toBe(100);
  proxy.delay(400);
  const slower = Array.from({ length: 20 }, (_, i) => `slower${i}`);
  const verdicts = await Promise.all(slower.map(run));
  expect(new Set(verdicts.map(({ settlement }) => settlement))).toEqual(new Set(["retry"]));
  proxy.delay(0);
  for (const id of slower) {
    await vi.waitFor(async () => expect((await run(id)).settlement).toBe("ack"), {
      timeout: 15_000,
    });
  }
  expect(effects.size).toBe(121);
  expect(new Set(effects.values())).toEqual(new Set([1]));
});

describe("a flood of unique keys", () => {
  /** What stays after a collection, in megabytes. */
  function heapMb(): number {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    collect();
    return process.memoryUsage().heapUsed / 1e6;
  }

  async function flood(dedup: Deduplicator, from: number, to: number): Promise<void> {
    for (let start = from; start < to; start += 500) {
      const ids = Array.from({ length: 500 }, (_, i) => `m${start + i}`);
      await Promise.all(ids.map((id) => attend(dedup, { topic: "payments", id }, () => undefined)));
    }
  }

  function silent(on: Redis, policy: TopicPolicy = {}): Deduplicator {
    return createDeduplicator({
      store: redisStore(on, { prefix, commandTimeoutMs: 500 }),
      scope: "test",
      defaults: { ackTimeoutMs: 30_000, leaseMs: 6_000, busyWaitMs: 300, ...policy },
      observers: [{}],
    });
  }

  it("leaves nothing behind in the process", async () => {
    const dedup = silent(client((await ownServer()).url));
    await flood(dedup, 0, 10_000);
    const before = heapMb();
    await flood(dedup, 10_000, 40_000);
    // Thirty thousand keys of a hundred bytes would be three.
    expect(heapMb() - before).toBeLessThan(2);
  });

  it("over a server that answers nobody leaves nothing behind either, and hands the client a bounded number of calls", async () => {
    const server = await ownServer();
    const frozen = client(server.url);
    const dedup = silent(frozen);
    await flood(dedup, 0, 5_000);
    const before = heapMb();
    const calls = vi.spyOn(frozen, "evalsha");
    server.pause();
    const waiting = Array.from({ length: 5_000 }, (_, i) =>
      attend(dedup, { topic: "payments", id: `f${i}` }, () => undefined),
    );
    const outcomes = new Set((await Promise.all(waiting)).map(({ outcome }) => outcome));
    expect(outcomes).toEqual(new Set(["store_error"]));
    expect(calls.mock.calls.length).toBeLessThan(40);
    calls.mockRestore();
    waiting.length = 0;
    server.resume();
    await vi.waitFor(
      async () => {
        // Not one of the flood: a claim that was given up may end with its lease only.
        const { outcome } = await attend(dedup, { topic: "payments", id: "g1" }, () => undefined);
        expect(["processed", "duplicate"]).toContain(outcome);
        expect(heapMb() - before).toBeLessThan(2);
      },
      { timeout: 20_000, interval: 200 },
    );
  });

  async function ownServer() {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    return server;
  }
});
