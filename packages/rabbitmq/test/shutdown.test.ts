import { memoryStore } from "@onlyonce/core";
import { expect, it, vi } from "vitest";
import { rabbitConsume } from "../src/index.js";
import {
  connected,
  consume,
  cut,
  drain,
  eventually,
  gate,
  guard,
  newQueue,
  publish,
} from "./lab.js";

it("close() lets running handlers finish and be acked: nothing is redelivered", async () => {
  const queue = await newQueue();
  const store = memoryStore();
  const guarded = guard({}, store);
  const work = gate();
  let started = 0;
  const { consumer, channel } = await consume(guarded, queue, async () => {
    started += 1;
    await work.opened;
  });
  for (const messageId of ["m-1", "m-2", "m-3"]) await publish(queue, { messageId });
  await eventually(() => expect(started).toBe(3));
  const closing = consumer.close();
  await publish(queue, { messageId: "m-4" });
  work.open();
  await closing;
  expect(guarded.seen.names()).toEqual(["processed", "processed", "processed"]);
  await channel.close();
  const successor = guard({}, store);
  const redelivered: boolean[] = [];
  await consume(successor, queue, async ({ fields }) => {
    redelivered.push(fields.redelivered);
  });
  await eventually(() => expect(successor.seen.names()).toEqual(["processed"]));
  expect(redelivered).toEqual([false]);
});

it("close() resolves only when the broker has seen the acks: a connection cut right then loses none", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const connection = await connected();
  const channel = await connection.createChannel();
  const looking = await (await connected()).createChannel();
  const work = gate();
  const handler = vi.fn(() => work.opened);
  const options = { prefetch: 200 };
  const consumer = await rabbitConsume(guarded.deduplicator, channel, queue, handler, options);
  for (let n = 0; n < 200; n += 1) {
    channel.sendToQueue(queue, Buffer.from("x"), { messageId: `m-${n}` });
  }
  await eventually(() => expect(handler).toHaveBeenCalledTimes(200));
  const closing = consumer.close();
  await eventually(async () => {
    const { consumerCount } = await looking.checkQueue(queue);
    expect(consumerCount).toBe(0);
  });
  work.open();
  await closing;
  cut(connection);
  expect(guarded.seen.count("processed")).toBe(200);
  expect(await drain(queue)).toEqual([]);
});

it("close() returns waiting and resting messages untouched: they stay in the queue", async () => {
  const queue = await newQueue();
  const store = memoryStore();
  const owning = guard({ ackTimeoutMs: 60_000, leaseMs: 30_000 }, store);
  const work = gate();
  const owned = owning.deduplicator.process({ topic: queue, id: "busy" }, () => work.opened);
  const guarded = guard({ ackTimeoutMs: 60_000, leaseMs: 30_000 }, store);
  const { consumer, channel } = await consume(
    guarded,
    queue,
    async () => {
      throw new Error("card declined");
    },
    { retryDelayMs: () => 60_000 },
  );
  const nack = vi.spyOn(channel, "nack");
  await publish(queue, { messageId: "busy" });
  await publish(queue, { messageId: "failing" });
  await eventually(() => expect(guarded.seen.names()).toEqual(["failed"]));
  const askedAtMs = performance.now();
  await consumer.close();
  expect(performance.now() - askedAtMs).toBeLessThan(2_000);
  expect(nack).not.toHaveBeenCalled();
  expect(guarded.seen.names()).toEqual(["failed"]);
  await channel.close();
  expect(await drain(queue)).toEqual(["busy", "failing"]);
  work.open();
  await owned;
});

it("close() gives up on a handler that outlives drainMs; its message is acked all the same when it ends", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const work = gate();
  const { consumer, channel } = await consume(guarded, queue, () => work.opened);
  const ack = vi.spyOn(channel, "ack");
  await publish(queue, { messageId: "m-1" });
  await eventually(async () => {
    const record = await guarded.deduplicator.inspect({ topic: queue, id: "m-1" });
    expect(record?.state).toBe("claimed");
  });
  await consumer.close({ drainMs: 50 });
  expect(ack).not.toHaveBeenCalled();
  work.open();
  await eventually(() => expect(ack).toHaveBeenCalledTimes(1));
  await channel.close();
  expect(await drain(queue)).toEqual([]);
});

it("close() may be called twice, leaves the channel open, and is what disposal does", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const { consumer, channel } = await consume(guarded, queue, async () => undefined);
  await Promise.all([consumer.close(), consumer.close()]);
  await consumer[Symbol.asyncDispose]();
  await expect(channel.checkQueue(queue)).resolves.toMatchObject({ consumerCount: 0 });
  expect(() => consumer.close({ drainMs: -1 })).toThrow(RangeError);
});

it("a consumer whose channel is closed already closes at once", async () => {
  const queue = await newQueue();
  const { consumer, channel } = await consume(guard(), queue, async () => undefined);
  await channel.close();
  await expect(consumer.close()).resolves.toBeUndefined();
});
