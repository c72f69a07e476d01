import { randomUUID } from "node:crypto";
import type { Store } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { startTcpProxy, type TcpProxy } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { expect, inject, it, onTestFinished, vi } from "vitest";
import { consume, drain, end, eventually, guard, newQueue, publish } from "./lab.js";

const soon = { retryDelayMs: () => 50 };

/** A store on the real Redis, by way of a network that can be taken away. */
async function reachableStore(): Promise<{ store: Store; network: TcpProxy }> {
  const url = new URL(inject("redisUrl"));
  const network = await startTcpProxy({
    target: { host: url.hostname, port: Number(url.port || 6379) },
  });
  const redis = new Redis(network.url(url.href), {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    retryStrategy: () => 50,
  });
  redis.on("error", () => undefined);
  onTestFinished(async () => {
    redis.disconnect();
    await network.close();
  });
  await redis.ping().catch(() => new Promise((resolve) => redis.once("ready", resolve)));
  const store = redisStore(redis, { prefix: `${randomUUID()}:`, commandTimeoutMs: 100 });
  return { store, network };
}

function takeAway(network: TcpProxy): void {
  network.refuseConnections();
  network.cut();
}

it("behaviour 54: with the store down and the policy to wait, a message is neither acked, counted nor dead-lettered", async () => {
  const { store, network } = await reachableStore();
  const queue = await newQueue();
  const guarded = guard({ ackTimeoutMs: 20_000, busyWaitMs: 100, maxAttempts: 2 }, store);
  const attempts: number[] = [];
  const deadLetter = vi.fn(async () => undefined);
  const running = await consume(
    guarded,
    queue,
    async (_, { attempt }) => {
      attempts.push(attempt);
    },
    { ...soon, deadLetter },
  );
  const settled = [vi.spyOn(running.channel, "ack"), vi.spyOn(running.channel, "nack")];
  takeAway(network);
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("store_error")).toBeGreaterThanOrEqual(3));
  expect(attempts).toEqual([]);
  for (const settle of settled) expect(settle).not.toHaveBeenCalled();
  network.restore();
  await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
  expect(attempts).toEqual([1]);
  expect(deadLetter).not.toHaveBeenCalled();
  await end(running);
  expect(await drain(queue)).toEqual([]);
});

it("behaviour 54: a consumer that stops while the store is down leaves its messages in the queue", async () => {
  const { store, network } = await reachableStore();
  const queue = await newQueue();
  const guarded = guard({ ackTimeoutMs: 20_000, busyWaitMs: 100 }, store);
  const handler = vi.fn(async () => undefined);
  takeAway(network);
  const running = await consume(guarded, queue, handler, soon);
  for (const messageId of ["m-1", "m-2", "m-3"]) await publish(queue, { messageId });
  await eventually(() => expect(guarded.seen.count("store_error")).toBeGreaterThanOrEqual(3));
  await end(running);
  expect(handler).not.toHaveBeenCalled();
  expect(await drain(queue)).toEqual(["m-1", "m-2", "m-3"]);
});

it("behaviour 55: with the store down and the policy to process, the handler runs once, unprotected", async () => {
  const { store, network } = await reachableStore();
  const queue = await newQueue();
  const guarded = guard({ onStoreDown: "process" }, store);
  const handler = vi.fn(async () => undefined);
  const running = await consume(guarded, queue, handler);
  takeAway(network);
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.names()).toEqual(["unprotected:store_down"]));
  await end(running);
  expect(handler).toHaveBeenCalledTimes(1);
  expect(await drain(queue)).toEqual([]);
});

it("a message that is done while the store is down is acked: the work is finished", async () => {
  const { store, network } = await reachableStore();
  const queue = await newQueue();
  const guarded = guard({}, store);
  const handler = vi.fn(async () => takeAway(network));
  const running = await consume(guarded, queue, handler);
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed:unrecorded"]));
  await end(running);
  expect(handler).toHaveBeenCalledTimes(1);
  expect(await drain(queue)).toEqual([]);
});

it("two processes with one Redis guard a queue together", async () => {
  const queue = await newQueue();
  const [first, second] = [await reachableStore(), await reachableStore()];
  const prefix = `${randomUUID()}:`;
  const stores = [first, second].map(({ network }) => {
    const redis = new Redis(network.url(inject("redisUrl")));
    onTestFinished(() => redis.disconnect());
    return redisStore(redis, { prefix, commandTimeoutMs: 150 });
  });
  const processes = stores.map((store) => guard({}, store));
  const handler = vi.fn(async () => undefined);
  const ids = Array.from({ length: 30 }, (_, n) => `m-${n}`);
  for (const messageId of ids) await publish(queue, { messageId, times: 3 });
  const running = await Promise.all(
    processes.map((process) => consume(process, queue, handler, { prefetch: 8 })),
  );
  const outcomes = () => processes.flatMap(({ seen }) => seen.names());
  await eventually(() => expect(outcomes().filter((name) => name !== "busy")).toHaveLength(90));
  expect(handler).toHaveBeenCalledTimes(30);
  await Promise.all(running.map(end));
  expect(await drain(queue)).toEqual([]);
});
