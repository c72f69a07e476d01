import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createDeduplicator, type TopicPolicy } from "@onlyonce/core";
import { attend } from "@onlyonce/core/adapter";
import { redisStore } from "@onlyonce/redis";
import { RecordingObserver, startTcpProxy } from "@onlyonce/testing";
import { Cluster, Redis } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { freePort } from "../servers/free-port.js";
import { type RedisProcess, startRedis } from "../servers/redis-process.js";
import { startRedisCluster } from "./redis-cluster.js";
import { REPLICATE_AT_ONCE, replicated } from "./redis-replica.js";

const REPLICAS = { min: 1, timeoutMs: 300 };

async function server(...args: string[]): Promise<RedisProcess> {
  const redis = await startRedis({ args });
  onTestFinished(() => redis.stop());
  return redis;
}

function client(url: string): Redis {
  const redis = new Redis(url, { retryStrategy: () => 50 });
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** A primary and a replica whose way to it can be cut: what the primary sends is then lost on the way. */
async function pair() {
  const primary = await server(...REPLICATE_AT_ONCE);
  const proxy = await startTcpProxy({ target: { host: "127.0.0.1", port: primary.port } });
  onTestFinished(() => proxy.close());
  const announce = ["--replica-announce-ip", "127.0.0.1"];
  const replica = await server("--replicaof", "127.0.0.1", String(proxy.port), ...announce);
  await replicated(primary, replica);
  return { primary, replica, proxy };
}

function member(redis: Redis | Cluster, policy: TopicPolicy = {}, payments?: TopicPolicy) {
  const observer = new RecordingObserver();
  const dedup = createDeduplicator({
    store: redisStore(redis, { commandTimeoutMs: 900 }),
    scope: "test",
    defaults: { leaseMs: 5_400, busyWaitMs: 1_000, ackTimeoutMs: 20_000, ...policy },
    topics: { payments: payments ?? { replicas: REPLICAS }, clicks: {} },
    observers: [observer],
  });
  return { dedup, observer };
}

/** What SECURITY.md tells operators to type, for a Cluster and for `replicas`. */
async function leastPrivileged(servers: readonly RedisProcess[]) {
  const text = await readFile(new URL("../../SECURITY.md", import.meta.url), "utf8");
  const told = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? expect.fail(String(pattern));
  const all = [
    told(/^ACL SETUSER onlyonce on >password (~once:\* .*)$/m),
    told(/A Cluster needs `([^`]+)` too/),
    told(/topics with `replicas` need `([^`]+)`/),
  ]
    .join(" ")
    .split(" ");
  for (const { url } of servers) {
    await client(url).call("ACL", "SETUSER", "onlyonce", "on", ">secret", ...all);
  }
  return { username: "onlyonce", password: "secret" };
}

const payment = { topic: "payments", id: "p1" };
const click = { topic: "clicks", id: "c1" };

/** The primary dies with what its replica never got, and the replica takes its place. */
async function failOver(primary: RedisProcess, replica: RedisProcess): Promise<void> {
  await primary.kill();
  await client(replica.url).replicaof("NO", "ONE");
}

describe("replicas: { min, timeoutMs } of a topic", () => {
  it("with a replica that keeps up, messages run once, and a failover forgets none of them", async () => {
    const { primary, replica } = await pair();
    const { dedup, observer } = member(client(primary.url));
    const ids = Array.from({ length: 200 }, (_, i) => `p${i}`);
    await Promise.all(ids.map((id) => dedup.process({ topic: "payments", id }, () => undefined)));
    expect(await dedup.isDuplicate({ topic: "payments", id: "remembered" })).toBe(false);
    expect(observer.count("processed")).toBe(200);
    await failOver(primary, replica);
    const after = member(client(replica.url));
    const again = vi.fn();
    for (const id of ids) await attend(after.dedup, { topic: "payments", id }, again);
    expect(after.observer.count("duplicate")).toBe(200);
    expect(again).not.toHaveBeenCalled();
    expect(await after.dedup.isDuplicate({ topic: "payments", id: "remembered" })).toBe(true);
  });

  it("behaviour 58: what a replica never got is run again after a failover; where replicas are wanted it did not run before", async () => {
    const { primary, replica, proxy } = await pair();
    const { dedup, observer } = member(client(primary.url));
    await dedup.process({ topic: "payments", id: "warm-up" }, () => undefined);
    const isCut = proxy.swallowReplies();
    const effects: string[] = [];
    const run = (at: typeof dedup, delivery: typeof payment) =>
      attend(at, delivery, () => effects.push(delivery.topic));
    expect(await run(dedup, click)).toMatchObject({ outcome: "processed" });
    await isCut;
    const refused = await run(dedup, payment);
    expect(refused).toMatchObject({ outcome: "store_error", settlement: "retry" });
    expect(String(refused.error)).toContain("0 of 1 replicas had the change");
    expect(effects).toEqual(["clicks"]);
    await failOver(primary, replica);
    // The promoted one has no replica of its own yet.
    const after = member(client(replica.url), {}, {});
    expect(await run(after.dedup, click)).toMatchObject({ outcome: "processed" });
    expect(await run(after.dedup, payment)).toMatchObject({ outcome: "processed", attempt: 1 });
    expect(effects).toEqual(["clicks", "clicks", "payments"]);
    expect(observer.names()).toEqual(["processed", "processed", "store_error"]);
  });

  it("a wait that a failover interrupts is not taken up on the new server, which never had the claim", async () => {
    const { primary, proxy } = await pair();
    const redis = client(primary.url);
    const observer = new RecordingObserver();
    const dedup = createDeduplicator({
      store: redisStore(redis, { commandTimeoutMs: 5_000 }),
      scope: "test",
      defaults: { busyWaitMs: 20_000, replicas: { min: 1, timeoutMs: 1_600 } },
      observers: [observer],
    });
    await dedup.process({ topic: "payments", id: "warm-up" }, () => undefined);
    proxy.refuseConnections();
    proxy.cut();
    const port = await freePort();
    const inReplica: number[] = [];
    const running = dedup.process(payment, async () => {
      const keys = await client(`redis://127.0.0.1:${port}`).keys("*");
      inReplica.push(keys.filter((key) => !key.endsWith(".wait")).length);
    });
    const admin = client(primary.url);
    await vi.waitFor(async () => {
      expect(String(await admin.call("CLIENT", "LIST"))).toMatch(/flags=b .*cmd=wait/);
    });
    await primary.kill();
    const successor = await startRedis({ port: primary.port, args: REPLICATE_AT_ONCE });
    onTestFinished(() => successor.stop());
    const replica = await startRedis({
      port,
      args: ["--replicaof", "127.0.0.1", String(successor.port)],
    });
    onTestFinished(() => replica.stop());
    expect(await running).toMatchObject({ outcome: "processed" });
    expect(inReplica).toEqual([1]);
    expect(observer.names()).toEqual(["processed", "processed"]);
  });

  it("a replica that is paused holds its topic back, no other one, and its messages run once it is back", async () => {
    const { primary, replica } = await pair();
    const { dedup, observer } = member(client(primary.url), { busyWaitMs: 8_000 });
    await dedup.process({ topic: "payments", id: "warm-up" }, () => undefined);
    replica.pause();
    const handler = vi.fn(({ attempt }: { readonly attempt: number }) => attempt);
    const held = dedup.process(payment, handler);
    for (let i = 0; i < 50; i += 1) {
      const id = `c${i}`;
      expect(await dedup.process({ topic: "clicks", id }, () => undefined)).toMatchObject({
        outcome: "processed",
      });
    }
    expect(handler).not.toHaveBeenCalled();
    replica.resume();
    expect(await held).toMatchObject({ outcome: "processed", value: 1 });
    expect(handler).toHaveBeenCalledTimes(1);
    expect(observer.count("processed")).toBe(52);
  });

  it("a completion that replicas do not get is retried while the lease lives; then the message is acked as unrecorded, and stays a duplicate", async () => {
    const { primary, replica } = await pair();
    const { dedup, observer } = member(client(primary.url));
    // Paused, not gone: it counts as connected, and the copy of the completion writes nothing to wait for.
    const verdict = await attend(dedup, payment, () => replica.pause());
    expect(verdict).toMatchObject({
      outcome: "processed",
      detail: "unrecorded",
      settlement: "ack",
    });
    expect(String(verdict.error)).toContain("replicas had the change");
    const again = vi.fn();
    expect(await attend(dedup, payment, again)).toMatchObject({ outcome: "duplicate" });
    expect(again).not.toHaveBeenCalled();
    expect(observer.names()).toEqual(["processed:unrecorded", "duplicate"]);
  });

  it("in one batch each request waits for what it asks for, and only those fail that do not get it", async () => {
    const { primary } = await pair();
    const store = redisStore(client(primary.url), { commandTimeoutMs: 9_000 });
    const [long, longer] = [2_000, 3_000].map((timeoutMs) => ({ min: 1, timeoutMs }));
    const waits = [undefined, long, { min: 2, timeoutMs: 50 }, longer];
    const requests = waits.map((replicas, i) => ({
      key: randomBytes(16).toString("base64url"),
      ...{ token: `t${i}`, leaseMs: 60_000, windowMs: 600_000, origin: {} },
      ...(replicas === undefined ? {} : { replicas }),
    }));
    const statuses = (await store.claim(requests)).map(({ status }) => status);
    expect(statuses).toEqual(["acquired", "acquired", "error", "acquired"]);
    const completions = requests.map((request) => ({ ...request, grant: 1 }));
    expect(await store.complete(completions)).toMatchObject([
      "ok",
      "ok",
      { status: "error", error: { code: "ERR_ONLYONCE_STORE" } },
      "ok",
    ]);
    const others = requests.map((request) => ({ ...request, token: `other.${request.token}` }));
    expect((await store.claim(others)).map(({ status }) => status)).toEqual(
      Array(4).fill("duplicate"),
    );
    expect(await store.remember(others)).toMatchObject(Array(4).fill({ status: "duplicate" }));
  });

  it("without any replica it fails closed, or open where the policy says so, and gives the claim back", async () => {
    const primary = await server();
    const redis = client(primary.url);
    const closed = member(redis);
    expect((await attend(closed.dedup, payment, vi.fn())).outcome).toBe("store_error");
    await vi.waitFor(async () => {
      expect(await closed.dedup.inspect(payment)).toMatchObject({ state: "failed", attempt: 0 });
    });
    const open = member(redis, { onStoreDown: "process" });
    const handler = vi.fn();
    expect(await attend(open.dedup, payment, handler)).toMatchObject({
      outcome: "unprotected",
      detail: "store_down",
    });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it("opens a connection when the first topic asks for it, which ends with the client that it was copied from", async () => {
    const { primary } = await pair();
    const redis = client(primary.url);
    const { dedup } = member(redis);
    await dedup.process(click, () => undefined);
    const observer = client(primary.url);
    const connections = async (): Promise<number> => {
      const list = String(await observer.call("CLIENT", "LIST", "TYPE", "normal"));
      return list.trim().split("\n").length;
    };
    expect(await connections()).toBe(2);
    await dedup.process(payment, () => undefined);
    expect(await connections()).toBe(3);
    await dedup.close();
    await redis.quit();
    await vi.waitFor(async () => expect(await connections()).toBe(1), { timeout: 5_000 });
  });

  it("in a Cluster every change has its replica, whatever slot it is in, moved slots too, with the documented privileges only", async () => {
    const servers = await startRedisCluster(3, { hasReplicas: true });
    onTestFinished(() => servers[Symbol.asyncDispose]());
    const user = await leastPrivileged([...servers.nodes, ...servers.replicas]);
    const cluster = new Cluster([...servers.addresses], { redisOptions: user });
    cluster.on("error", () => undefined);
    onTestFinished(() => cluster.disconnect());
    const { dedup, observer } = member(cluster);
    const idsOf = (from: number, to: number): string[] =>
      Array.from({ length: to - from }, (_, i) => `p${from + i}`);
    const run = async (ids: readonly string[]): Promise<string[]> => {
      const deliver = (id: string) => attend(dedup, { topic: "payments", id }, () => undefined);
      const verdicts = await Promise.all(ids.map(deliver));
      return ids.filter((_, i) => verdicts[i]?.settlement !== "ack");
    };
    // A busy machine may take longer than a message waits: then it is delivered again, as by a broker.
    const runAll = async (ids: string[]): Promise<void> => {
      let left = ids;
      while (left.length > 0) left = await run(left);
    };
    await runAll(idsOf(0, 300));
    expect(observer.count("processed")).toBe(300);
    for (const slot of await servers.usedSlots(0)) await servers.moveSlot(slot, 0, 1);
    await runAll(idsOf(300, 500));
    expect(observer.count("processed")).toBe(500);
    const isWorse = (name: string): boolean => name !== "processed" && name !== "store_error";
    expect(observer.names().filter(isWorse)).toEqual([]);
    const [victim] = servers.replicas.slice(2);
    await victim?.kill();
    const unserved = await run(idsOf(500, 700));
    expect(unserved.length).toBeGreaterThan(20);
    expect(observer.count("processed")).toBe(700 - unserved.length);
    await expect
      .poll(async () => (await run(unserved.slice(0, 1))).length + (await run(["p0"])).length)
      .toBe(1);
  });
});

it("a store that knows no replicas, and a wait that is too long for it, are refused at once", async () => {
  const redis = client((await server()).url);
  const { evalsha, info, config } = redis;
  const bare = { evalsha, eval: redis.eval, info, config };
  const make = (store: ReturnType<typeof redisStore>) =>
    createDeduplicator({ store, scope: "test", defaults: { replicas: REPLICAS } });
  expect(() => make(redisStore(bare))).toThrow("the store can't wait for replicas");
  expect(() => make(redisStore(redis, { commandTimeoutMs: 300 }))).toThrow(
    "replicas.timeoutMs must be at most the store's maxReplicaWaitMs (100), got 300",
  );
});
