import { startTcpProxy, type TcpProxy } from "@onlyonce/testing";
import { Redis, type RedisOptions } from "ioredis";
import { describe, expect, inject, onTestFinished, test, vi } from "vitest";
import { type RedisStoreOptions, redisStore } from "../src/index.js";
import { CountingCommands, claimOf, heldOf, newKey, newKeys, ownPrefix } from "./redis-lab.js";

/** A store whose client reaches the server through a bad network, and one that reaches it directly. */
async function behindProxy(
  options: RedisStoreOptions = {},
  settings: Omit<RedisOptions, "replyMapping"> = {},
) {
  const url = new URL(inject("redisUrl"));
  const proxy: TcpProxy = await startTcpProxy({
    target: { host: url.hostname, port: Number(url.port || 6379) },
  });
  const clients = [
    new Redis(proxy.url(url.href), { retryStrategy: () => 20, ...settings }),
    new Redis(url.href),
  ] as const;
  for (const redis of clients) redis.on("error", () => undefined);
  onTestFinished(async () => {
    for (const redis of clients) redis.disconnect();
    await proxy.close();
  });
  await vi.waitFor(() => expect(clients[0].status).toBe("ready"));
  const prefix = ownPrefix();
  const store = redisStore(clients[0], { prefix, commandTimeoutMs: 500, ...options });
  const direct = redisStore(clients[1], { prefix });
  // The server knows the scripts from here on: what is lost below is never the news that it does not.
  const known = claimOf(newKey());
  await direct.claim([known]);
  await direct.release([{ ...heldOf(known), as: "failed" }]);
  await direct.complete([heldOf(known)]);
  return { proxy, redis: clients[0], store, direct };
}

async function elapsedMs(work: Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work.catch(() => undefined);
  return performance.now() - startMs;
}

describe("replies that are lost", () => {
  test("behaviour 45: a claim whose reply was lost and that the client sends again is acquired, attempt 1", async () => {
    const { proxy, store, direct } = await behindProxy({ commandTimeoutMs: 5000 });
    const request = claimOf(newKey());
    const isCut = proxy.cutNextReply(request.token);
    const reply = store.claim([request]);
    await isCut;
    expect(await direct.claim([claimOf(request.key)])).toMatchObject([{ status: "busy" }]);
    expect(await reply).toEqual([{ status: "acquired", grant: 1, attempt: 1, suspect: false }]);
    expect(await store.complete([heldOf(request)])).toEqual(["ok"]);
  });

  test("behaviour 46: a release that is sent twice never frees a successor's claim", async () => {
    const { proxy, store, direct } = await behindProxy({ commandTimeoutMs: 5000 });
    const request = claimOf(newKey());
    const successor = claimOf(request.key);
    await store.claim([request]);
    proxy.delay(0);
    const isCut = proxy.cutNextReply(request.token);
    const released = store.release([{ ...heldOf(request), as: "failed" }]);
    await isCut;
    expect(await direct.claim([successor])).toMatchObject([{ status: "reclaimed", grant: 2 }]);
    expect(["ok", "lost"]).toContain((await released)[0]);
    expect(await store.release([{ ...heldOf(request), as: "failed" }])).toEqual(["lost"]);
    expect(await direct.renew([heldOf(successor, 2)])).toEqual(["ok"]);
  });

  test("a completion whose reply was lost is answered as the first time", async () => {
    const { proxy, store } = await behindProxy({ commandTimeoutMs: 5000 });
    const request = claimOf(newKey(), { origin: { coordinates: "orders/1/2" } });
    await store.claim([request]);
    const isCut = proxy.cutNextReply(request.token);
    const reply = store.complete([heldOf(request)]);
    await isCut;
    expect(await reply).toEqual(["ok"]);
  });

  test("behaviour 56: a call that hangs rejects after commandTimeoutMs, and the next one works", async () => {
    const { proxy, store } = await behindProxy({ commandTimeoutMs: 300 });
    const request = claimOf(newKey());
    const isSwallowed = proxy.swallowReplies();
    const reply = store.claim([request]);
    const tookMs = await elapsedMs(reply);
    await isSwallowed;
    await expect(reply).rejects.toMatchObject({ code: "ERR_ONLYONCE_STORE", retriable: true });
    await expect(reply).rejects.toThrow("commandTimeoutMs (300 ms)");
    expect(tookMs).toBeGreaterThanOrEqual(290);
    expect(tookMs).toBeLessThan(2000);
    proxy.restore();
    expect(await store.claim([request])).toMatchObject([{ status: "acquired", attempt: 1 }]);
  });

  test("a reply after the timeout is ignored, and its place is free for the calls that follow", async () => {
    const { proxy, store, direct } = await behindProxy({
      commandTimeoutMs: 200,
      maxCallsInFlight: 1,
    });
    const [late, next] = [claimOf(newKey()), claimOf(newKey())];
    proxy.delay(300);
    await expect(store.claim([late])).rejects.toThrow("did not answer");
    proxy.delay(0);
    await vi.waitFor(async () => {
      expect(await store.claim([next])).toMatchObject([{ status: "acquired" }]);
    });
    expect(await direct.claim([claimOf(late.key)])).toMatchObject([{ status: "busy" }]);
    expect(await store.release([{ ...late, as: "unstarted" }])).toEqual(["ok"]);
    expect(await store.claim([late])).toEqual([{ status: "stale" }]);
  });
});

describe("a server that is down", () => {
  test("every call rejects within the timeout, whatever the client queues, and the queue does not grow", async () => {
    const { proxy, store } = await behindProxy({
      commandTimeoutMs: 250,
      maxCallsInFlight: 2,
      maxKeysPerCall: 8,
    });
    proxy.refuseConnections();
    proxy.cut();
    const requests = newKeys(500).map((key) => claimOf(key));
    const replies = [...requests, ...requests].map((request) => store.claim([request]));
    const tookMs = await elapsedMs(Promise.allSettled(replies));
    const results = await Promise.allSettled(replies);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    expect(tookMs).toBeLessThan(2500);
    proxy.restore();
    await vi.waitFor(
      async () => {
        const [reply] = await store.claim([claimOf(newKey())]);
        expect(reply?.status).toBe("acquired");
      },
      { timeout: 5000 },
    );
  });

  test("what expired in the queue is never sent", async () => {
    const { proxy, store, direct } = await behindProxy({
      commandTimeoutMs: 200,
      maxCallsInFlight: 1,
      maxKeysPerCall: 1,
    });
    const isSwallowed = proxy.swallowReplies();
    const [sent, waiting] = [claimOf(newKey()), claimOf(newKey())];
    const both = store.claim([sent, waiting]);
    await expect(both).rejects.toThrow("did not answer");
    await isSwallowed;
    proxy.restore();
    const probe = claimOf(newKey());
    await vi.waitFor(
      async () => {
        const [reply] = await store.claim([probe]);
        expect(reply?.status).toBe("acquired");
      },
      { timeout: 5000 },
    );
    expect(await direct.inspect(sent.key)).toMatchObject({ state: "claimed" });
    expect(await direct.inspect(waiting.key)).toBeUndefined();
  });

  test("a client that keeps calls for a server that is down is handed a bounded number of them, and works again after the outage", async () => {
    const { proxy, redis } = await behindProxy({}, { maxRetriesPerRequest: null });
    const commands = new CountingCommands(redis);
    const store = redisStore(commands, {
      prefix: ownPrefix(),
      commandTimeoutMs: 20,
      maxCallsInFlight: 1,
      maxKeysPerCall: 1,
    });
    proxy.refuseConnections();
    proxy.cut();
    for (let i = 0; i < 30; i += 1) {
      await expect(store.claim([claimOf(newKey())])).rejects.toThrow("did not answer");
    }
    expect(commands.calls.length).toBeLessThanOrEqual(8);
    proxy.restore();
    await vi.waitFor(
      async () => {
        const [reply] = await store.claim([claimOf(newKey())]);
        expect(reply?.status).toBe("acquired");
      },
      { timeout: 5000 },
    );
  });

  test("a client without an offline queue makes the call reject at once", async () => {
    const { proxy, redis, store } = await behindProxy(
      { commandTimeoutMs: 5000 },
      { enableOfflineQueue: false, retryStrategy: () => null },
    );
    const isClosed = new Promise((resolve) => redis.once("end", resolve));
    proxy.refuseConnections();
    proxy.cut();
    await isClosed;
    const reply = store.claim([claimOf(newKey())]);
    expect(await elapsedMs(reply)).toBeLessThan(1000);
    await expect(reply).rejects.toMatchObject({ code: "ERR_ONLYONCE_STORE" });
    await expect(store.check()).resolves.toContainEqual(
      expect.objectContaining({ code: "info_refused" }),
    );
  });

  test("closing the store leaves the client open", async () => {
    const { redis, store } = await behindProxy();
    await store.close();
    await expect(store.claim([claimOf(newKey())])).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CLOSED",
    });
    expect(await redis.ping()).toBe("PONG");
  });
});
