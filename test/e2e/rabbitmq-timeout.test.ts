import { memoryStore } from "@onlyonce/core";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import { beforeAll, describe, expect, inject, it, onTestFinished, vi } from "vitest";
import { type RabbitmqProcess, startRabbitmq } from "../servers/rabbitmq-process.js";
import {
  connected,
  drain,
  eventually,
  gate,
  guard,
  newQueue,
  publish,
  warnings,
} from "./rabbitmq-lab.js";

const CONSUMER_TIMEOUT_MS = 6_000;

let broker: RabbitmqProcess;

// It takes messages back after 6 s, and looks often: by default it does so only every minute.
beforeAll(async () => {
  const installation = inject("rabbitmqInstallation");
  broker = await startRabbitmq({
    config: [`consumer_timeout = ${CONSUMER_TIMEOUT_MS}`],
    ...(installation && { installation }),
  });
  await broker.ctl(["eval", "application:set_env(rabbit, channel_tick_interval, 256)."]);
  return () => broker.stop();
});

describe("a broker whose consumer_timeout is shorter than a handler", () => {
  it.each(["classic", "quorum"])(
    "R3: closes the channel of a %s queue; the lease is kept, the work recorded, and its redelivery dropped",
    async (type) => {
      const { url } = broker;
      const queue = await newQueue({ arguments: { "x-queue-type": type } }, url);
      const store = memoryStore();
      // As if nobody had told of the short timeout: leases are renewed beyond it.
      const [first, other] = [guard({}, store), guard({}, store)];
      const told = warnings();
      const work = gate();
      const handler = vi.fn(() => work.opened);
      const open = vi.fn(async () => (await connected(url)).createChannel());
      const consumer = await rabbitConsume(first.deduplicator, open, queue, handler);
      onTestFinished(() => consumer.close({ drainMs: 100 }));
      await publish(queue, ["m-1"], url);
      await eventually(() => expect(told.length).toBeGreaterThan(0));
      expect(told[0]).toContain("ONLYONCE_AMQP_CONSUMER_TIMEOUT");
      expect(told[0]).toContain("Set the topic's ackTimeoutMs to the consumer_timeout");
      // It consumes again and waits for itself; so does any other process.
      await eventually(() => expect(open.mock.calls.length).toBeGreaterThan(1));
      const record = await other.deduplicator.inspect({ topic: queue, id: "m-1" });
      expect(record).toMatchObject({ state: "claimed" });
      work.open();
      await eventually(() => expect(first.seen.count("duplicate")).toBe(1));
      expect(first.seen.count("processed")).toBe(1);
      expect(handler).toHaveBeenCalledTimes(1);
      await consumer.close();
      expect(await drain(queue, url)).toEqual([]);
    },
  );

  it("behaviour 72: with a prefetch of 100 all outstanding deliveries return, and each is dropped once it is done", async () => {
    const { url } = broker;
    const queue = await newQueue({}, url);
    const { deduplicator, seen } = guard();
    const told = warnings();
    const ids = Array.from({ length: 100 }, (_, index) => `m-${index}`);
    const runs: string[] = [];
    const work = gate();
    const open = vi.fn(async () => (await connected(url)).createChannel());
    const consumer = await rabbitConsume(
      deduplicator,
      open,
      queue,
      async ({ properties }) => {
        runs.push(properties.messageId);
        await work.opened;
      },
      { prefetch: 100 },
    );
    onTestFinished(() => consumer.close({ drainMs: 100 }));
    await publish(queue, ids, url);
    await eventually(() => expect(open.mock.calls.length).toBeGreaterThan(1));
    expect(told[0]).toContain("ONLYONCE_AMQP_CONSUMER_TIMEOUT");
    work.open();
    await eventually(() => expect(seen.count("duplicate")).toBe(100));
    expect(seen.count("processed")).toBe(100);
    expect(runs.toSorted()).toEqual(ids.toSorted());
    await consumer.close();
    expect(await drain(queue, url)).toEqual([]);
  });
});

describe("a topic whose ackTimeoutMs is the broker's consumer_timeout", () => {
  const policy = { ackTimeoutMs: CONSUMER_TIMEOUT_MS, leaseMs: 1_000, busyWaitMs: 200 };

  it("hands a key that is busy for longer back in time: the channel is never closed", async () => {
    const { url } = broker;
    const queue = await newQueue({}, url);
    const store = memoryStore();
    const work = gate();
    const owner = guard({}, store);
    const owning = owner.deduplicator.process({ topic: queue, id: "m-1" }, () => work.opened);
    const { deduplicator, seen } = guard(policy, store);
    const told = warnings();
    const closed = vi.fn();
    const channel = await (await connected(url)).createChannel();
    channel.once("close", closed);
    const handler = vi.fn(async () => undefined);
    const consumer = await rabbitConsume(deduplicator, channel, queue, handler);
    const startedAtMs = performance.now();
    await publish(queue, ["m-1"], url);
    await eventually(() => {
      expect(seen.count("busy")).toBeGreaterThan(2);
      expect(performance.now() - startedAtMs).toBeGreaterThan(CONSUMER_TIMEOUT_MS + 1_000);
    });
    work.open();
    await owning;
    await eventually(() => expect(seen.count("duplicate")).toBe(1));
    expect(handler).not.toHaveBeenCalled();
    expect(closed).not.toHaveBeenCalled();
    expect(told).toEqual([]);
    await consumer.close();
  });

  it("cuts a rest that is longer, so that a failed message comes again in time", async () => {
    const { url } = broker;
    const queue = await newQueue({}, url);
    const { deduplicator, seen } = guard(policy);
    const closed = vi.fn();
    const channel = await (await connected(url)).createChannel();
    channel.once("close", closed);
    const consumer = await rabbitConsume(
      deduplicator,
      channel,
      queue,
      async (_, { attempt }) => {
        if (attempt < 4) throw new Error("card declined");
      },
      { retryDelayMs: () => 600_000 },
    );
    await publish(queue, ["m-1"], url);
    await eventually(() => expect(seen.count("processed")).toBe(1));
    expect(seen.outcomes.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(closed).not.toHaveBeenCalled();
    await consumer.close();
  });
});
