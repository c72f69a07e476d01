import { randomBytes } from "node:crypto";
import { createDeduplicator, type Deduplicator, type TopicPolicy } from "@onlyonce/core";
import { attend } from "@onlyonce/core/adapter";
import { redisStore } from "@onlyonce/redis";
import { RecordingObserver, startTcpProxy, type TcpProxy } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { type RedisProcess, startRedis } from "../servers/redis-process.js";

const POLICY: TopicPolicy = {
  ackTimeoutMs: 20_000,
  leaseMs: 1_200,
  busyWaitMs: 3_000,
  windowMs: 60_000,
};
const cleanups: (() => Promise<unknown>)[] = [];
let proxy: TcpProxy;
let prefix: string;

beforeEach(async () => {
  const { hostname: host, port } = new URL(inject("redisUrl"));
  proxy = await startTcpProxy({ target: { host, port: Number(port) } });
  cleanups.push(() => proxy.close());
  prefix = `t${randomBytes(6).toString("hex")}:`;
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Member {
  readonly dedup: Deduplicator;
  readonly observer: RecordingObserver;
}

/** ioredis as people use it: it resends what was not answered before a connection broke. */
function member(redisUrl: string, policy: TopicPolicy = {}): Member {
  const redis = new Redis(redisUrl);
  redis.on("error", () => undefined);
  cleanups.push(async () => redis.disconnect());
  const observer = new RecordingObserver();
  const dedup = createDeduplicator({
    store: redisStore(redis, { prefix, commandTimeoutMs: 200 }),
    scope: "test",
    defaults: { ...POLICY, ...policy },
    observers: [observer],
  });
  return { dedup, observer };
}

const payment = { topic: "payments", id: "p1" };

describe("a network that loses replies", () => {
  it("behaviour 45: a reply swallowed after the claim was applied: the owner still runs, attempt 1", async () => {
    const { dedup, observer } = member(proxy.url(inject("redisUrl")));
    await dedup.process({ topic: "payments", id: "warm-up" }, () => undefined);
    await proxy.swallowReplies();
    const attempts: number[] = [];
    const running = dedup.process(payment, ({ attempt }) => attempts.push(attempt));
    // Long enough for the first call to be given up unanswered.
    await vi.waitFor(async () => {
      const seen = await member(inject("redisUrl")).dedup.inspect(payment);
      expect(seen).toMatchObject({ state: "claimed" });
    });
    const givenUpAtMs = performance.now() + 250;
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(givenUpAtMs));
    proxy.restore();
    expect((await running).outcome).toBe("processed");
    expect(attempts).toEqual([1]);
    expect(observer.names()).toEqual(["processed", "processed"]);
  });

  it("behaviour 46: the reply to every claim and every completion cut off once: each message runs once", async () => {
    const { dedup, observer } = member(proxy.url(inject("redisUrl")));
    const attempts: number[] = [];
    for (let index = 0; index < 10; index += 1) {
      const claimCut = proxy.cutNextReply("evalsha");
      const delivery = { topic: "payments", id: `m${index}` };
      let completionCut: Promise<void> | undefined;
      const verdict = await attend(dedup, delivery, async ({ attempt }) => {
        await claimCut;
        attempts.push(attempt);
        completionCut = proxy.cutNextReply("evalsha");
      });
      await completionCut;
      expect(verdict).toMatchObject({ outcome: "processed", settlement: "ack" });
      expect((await attend(dedup, delivery, vi.fn())).outcome).toBe("duplicate");
    }
    expect(attempts).toEqual(Array(10).fill(1));
    expect(observer.names().filter((name) => name === "processed")).toHaveLength(10);
  });

  it("behaviour 40: a way to the store that breaks for longer than a lease aborts the handler", async () => {
    const { dedup, observer } = member(proxy.url(inject("redisUrl")));
    let aborted: unknown;
    const running = dedup.process(payment, ({ signal, attempt }) => {
      if (observer.incidents.length > 0) return `again, attempt ${attempt}`;
      return new Promise<string>((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          aborted = signal.reason;
          proxy.restore();
          reject(new Error("stopped"));
        });
        proxy.refuseConnections();
        proxy.cut();
      });
    });
    expect(await running).toMatchObject({ outcome: "claim_lost", value: "again, attempt 1" });
    expect(aborted).toMatchObject({ code: "ERR_ONLYONCE_ABORTED" });
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["lease_lost"]);
  });
});

describe("a server that stops answering", () => {
  async function ownRedis(): Promise<RedisProcess> {
    const server = await startRedis();
    cleanups.push(() => server.stop());
    return server;
  }

  it("behaviour 56: times out long before the broker would, and the message is handed back", async () => {
    const server = await ownRedis();
    const { dedup } = member(server.url, { busyWaitMs: 500 });
    await dedup.process({ topic: "payments", id: "warm-up" }, () => undefined);
    server.pause();
    const handler = vi.fn();
    const startedMs = performance.now();
    const verdict = await attend(dedup, payment, handler);
    server.resume();
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(verdict).toMatchObject({ outcome: "store_error", settlement: "retry" });
    expect(handler).not.toHaveBeenCalled();
    // The frozen server executes the claims that were given up, and their release too: the key is free.
    await vi.waitFor(async () => {
      expect(await dedup.process(payment, ({ attempt }) => attempt)).toMatchObject({ value: 1 });
    });
  });

  it("behaviour 54: killed, it fails closed; restarted, work goes on", async () => {
    const server = await ownRedis();
    const { dedup, observer } = member(server.url, { busyWaitMs: 300 });
    await dedup.process({ topic: "payments", id: "warm-up" }, () => undefined);
    await server.kill();
    const handler = vi.fn(({ attempt }: { readonly attempt: number }) => attempt);
    expect(await attend(dedup, payment, handler)).toMatchObject({ outcome: "store_error" });
    const restarted = await startRedis({ port: server.port });
    cleanups.push(() => restarted.stop());
    const verdict = await attend(dedup, payment, handler, { storeWaitMs: 15_000 });
    expect(verdict).toMatchObject({ outcome: "processed", value: 1 });
    expect(handler).toHaveBeenCalledTimes(1);
    expect(observer.names()).toEqual(["processed", "store_error", "processed"]);
  });

  it("behaviour 55: killed, it fails open where the policy says so", async () => {
    const server = await ownRedis();
    const { dedup, observer } = member(server.url, { onStoreDown: "process" });
    await server.kill();
    const handler = vi.fn();
    expect((await attend(dedup, payment, handler)).settlement).toBe("ack");
    expect(handler).toHaveBeenCalledTimes(1);
    expect(observer.names()).toEqual(["unprotected:store_down"]);
  });

  it("behaviour 58: restarted without its data while a handler runs: the claim is restored, and that is reported", async () => {
    const server = await ownRedis();
    const { dedup, observer } = member(server.url);
    const verdict = await attend(dedup, payment, async () => {
      await server.kill();
      const restarted = await startRedis({ port: server.port });
      cleanups.push(() => restarted.stop());
      await vi.waitFor(() => expect(observer.incidents).toHaveLength(1), { timeout: 10_000 });
    });
    expect(verdict.settlement).toBe("ack");
    expect(["claim_restored", "lease_lost"]).toContain(observer.incidents[0]?.kind);
    expect((await attend(dedup, payment, vi.fn())).outcome).toBe("duplicate");
  });
});
