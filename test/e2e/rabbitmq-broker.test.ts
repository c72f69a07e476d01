import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStore } from "@onlyonce/core";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import type { Channel } from "amqplib";
import { expect, it, onTestFinished, vi } from "vitest";
import {
  connected,
  drain,
  eventually,
  gate,
  guard,
  newQueue,
  privateBroker,
  publish,
  warnings,
} from "./rabbitmq-lab.js";

const LIMIT = 20;
const LIMITED = { "x-queue-type": "quorum", "x-delivery-limit": LIMIT };

it("R1: a channel that closes because a neighbour acked twice: what runs on it is recorded, and its redelivery dropped", async () => {
  const queue = await newQueue();
  const { deduplicator, seen } = guard();
  const told = warnings();
  const work = gate();
  const channels: Channel[] = [];
  const runs: string[] = [];
  const consumer = await rabbitConsume(
    deduplicator,
    async () => {
      const channel = await (await connected()).createChannel();
      channels.push(channel);
      return channel;
    },
    queue,
    async (message) => {
      const id = String(message.properties.messageId);
      runs.push(id);
      if (id === "long") await work.opened;
      else channels[0]?.ack(message);
    },
  );
  onTestFinished(() => consumer.close({ drainMs: 100 }));
  await publish(queue, ["long"]);
  await eventually(() => expect(runs).toEqual(["long"]));
  await publish(queue, ["twice"]);
  await eventually(() => expect(channels).toHaveLength(2));
  expect(told[0]).toContain("ONLYONCE_AMQP_FOREIGN_ACK");
  work.open();
  await eventually(() => expect(seen.count("duplicate")).toBe(1));
  expect(seen.count("processed")).toBe(2);
  expect(runs).toEqual(["long", "twice"]);
  await consumer.close();
  expect(await drain(queue)).toEqual([]);
});

it("R5: a broker that is killed in mid-handler and started again loses nothing, and what was done is dropped", async () => {
  const dir = await mkdtemp(join(tmpdir(), "onlyonce-broker-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const broker = await privateBroker({ dir });
  const queue = await newQueue({}, broker.url);
  const { deduplicator, seen } = guard();
  warnings();
  const work = gate();
  const runs: string[] = [];
  const consumer = await rabbitConsume(
    deduplicator,
    async () => (await connected(broker.url)).createChannel(),
    queue,
    async ({ properties }) => {
      runs.push(String(properties.messageId));
      await work.opened;
    },
    { prefetch: 2 },
  );
  onTestFinished(() => consumer.close({ drainMs: 100 }));
  await publish(queue, ["m-1", "m-2", "m-3"], broker.url);
  await eventually(() => expect(runs).toHaveLength(2));
  await broker.kill();
  work.open();
  await eventually(() => expect(seen.count("processed")).toBe(2));
  await privateBroker({ dir, port: broker.port });
  await eventually(() => expect(seen.outcomes).toHaveLength(5));
  expect(seen.count("duplicate")).toBe(2);
  expect(runs.toSorted()).toEqual(["m-1", "m-2", "m-3"]);
  await consumer.close();
  expect(await drain(queue, broker.url)).toEqual([]);
});

it("R7: a key that is busy for more waits than a quorum queue allows redeliveries keeps its message, without a dead-letter exchange", async () => {
  const queue = await newQueue({ arguments: LIMITED });
  const store = memoryStore();
  const policy = { leaseMs: 1_000, busyWaitMs: 20 };
  const work = gate();
  const owner = guard(policy, store);
  const owning = owner.deduplicator.process({ topic: queue, id: "m-1" }, async () => {
    await work.opened;
    throw new Error("card declined");
  });
  owning.catch(() => undefined);
  const { deduplicator, seen } = guard(policy, store);
  const counts: unknown[] = [];
  const consumer = await rabbitConsume(
    deduplicator,
    await (await connected()).createChannel(),
    queue,
    async ({ properties }) => {
      counts.push(properties.headers?.["x-delivery-count"]);
    },
    // No place to wait, so that each wait is a hand-back.
    { prefetch: 1, deliveryLimit: LIMIT },
  );
  await publish(queue, ["m-1"]);
  await vi.waitFor(() => expect(seen.count("busy")).toBeGreaterThan(LIMIT + 1), {
    timeout: 90_000,
  });
  work.open();
  await eventually(() => expect(seen.count("processed")).toBe(1));
  expect(counts).toEqual([(LIMIT * 3) / 4]);
  await consumer.close();
});

it("behaviour 67: a duplicate whose channel dies before each ack is bounded by the delivery limit, and dead-lettered by the broker", async () => {
  const parked = await newQueue();
  const dlx = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": parked };
  const queue = await newQueue({ arguments: { ...LIMITED, ...dlx } });
  const { deduplicator, seen } = guard();
  const handler = vi.fn(async () => undefined);
  await publish(queue, ["m-1"]);
  const looking = await (await connected()).createChannel();
  const countOf = async (name: string) => (await looking.checkQueue(name)).messageCount;
  let rounds = 0;
  while ((await countOf(parked)) === 0) {
    rounds += 1;
    const channel = await (await connected()).createChannel();
    // The ack is lost with its channel.
    channel.ack = () => void channel.close();
    const lost = new Promise((resolve) => channel.once("close", resolve));
    await rabbitConsume(deduplicator, channel, queue, handler);
    await lost;
    await eventually(async () => expect((await countOf(queue)) + (await countOf(parked))).toBe(1));
  }
  expect(handler).toHaveBeenCalledTimes(1);
  expect(seen.count("processed")).toBe(1);
  expect(seen.count("duplicate")).toBe(LIMIT);
  expect(rounds).toBe(LIMIT + 1);
  expect(await drain(queue)).toEqual([]);
  expect(await drain(parked)).toEqual(["m-1"]);
});
