import { memoryStore } from "@onlyonce/core";
import { expect, it, vi } from "vitest";
import { rabbitConsume } from "../src/index.js";
import { connected, consume, drain, end, eventually, guard, newQueue, publish } from "./lab.js";

const nothing = async (): Promise<void> => undefined;

it("behaviour 1: an unseen message runs once, is remembered as completed, and is acked", async () => {
  const queue = await newQueue();
  const { deduplicator, seen } = guard();
  const bodies: string[] = [];
  const running = await consume({ deduplicator, seen }, queue, async ({ content }) => {
    bodies.push(content.toString());
  });
  await publish(queue, { messageId: "m-1", body: '{"amount":5}' });
  await eventually(() => expect(seen.names()).toEqual(["processed"]));
  expect(bodies).toEqual(['{"amount":5}']);
  expect(await deduplicator.inspect({ topic: queue, id: "m-1" })).toMatchObject({
    state: "completed",
  });
  await end(running);
  expect(await drain(queue)).toEqual([]);
});

it("behaviour 2: a message that was completed inside the window is acked and does not run", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const handler = vi.fn(nothing);
  const running = await consume(guarded, queue, handler);
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
  await end(running);
  expect(handler).toHaveBeenCalledTimes(1);
  expect(await drain(queue)).toEqual([]);
});

it("behaviour 3: of 50 copies spread over five processes exactly one runs", async () => {
  const queue = await newQueue();
  const store = memoryStore();
  const handler = vi.fn(() => new Promise<void>((resolve) => setImmediate(resolve)));
  await publish(queue, { messageId: "m-1", times: 50 });
  const processes = Array.from({ length: 5 }, () => guard({}, store));
  const running = await Promise.all(
    processes.map((process) => consume(process, queue, handler, { prefetch: 10 })),
  );
  const outcomes = () => processes.flatMap(({ seen }) => seen.names());
  await eventually(() => expect(outcomes().filter((name) => name !== "busy")).toHaveLength(50));
  expect(handler).toHaveBeenCalledTimes(1);
  expect(outcomes().filter((name) => name === "duplicate")).toHaveLength(49);
  await Promise.all(running.map(end));
  expect(await drain(queue)).toEqual([]);
});

it("behaviour 5: every one of 200 successive duplicates is dropped, not every second one", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const handler = vi.fn(nothing);
  const running = await consume(guarded, queue, handler, { prefetch: 1 });
  await publish(queue, { messageId: "m-1", times: 201 });
  await eventually(() => expect(guarded.seen.outcomes).toHaveLength(201));
  expect(guarded.seen.count("duplicate")).toBe(200);
  expect(handler).toHaveBeenCalledTimes(1);
  await end(running);
  expect(await drain(queue)).toEqual([]);
});

it("behaviour 9: the same id runs on each of two queues, and for each of two scopes", async () => {
  const [first, second] = [await newQueue(), await newQueue()];
  const store = memoryStore();
  const billing = guard({}, store);
  const shipping = guard({}, store, "shipping");
  const runs: string[] = [];
  const told = (name: string) => async () => {
    runs.push(name);
  };
  const billed = await consume(billing, first, told("billing, first queue"));
  await consume(billing, second, told("billing, second queue"));
  await publish(first, { messageId: "m-1" });
  await publish(second, { messageId: "m-1" });
  await eventually(() => expect(runs).toHaveLength(2));
  await end(billed);
  await consume(shipping, first, told("shipping, first queue"));
  await publish(first, { messageId: "m-1" });
  await eventually(() => expect(runs).toHaveLength(3));
  expect(runs.toSorted()).toEqual([
    "billing, first queue",
    "billing, second queue",
    "shipping, first queue",
  ]);
});

it("a retry queue that is guarded as its parent shares its parent's memory and policy", async () => {
  const [parent, retry] = [await newQueue(), await newQueue()];
  const guarded = guard();
  const runs: string[] = [];
  const told = (name: string) => async () => {
    runs.push(name);
  };
  await consume(guarded, parent, told("parent"));
  await consume(guarded, retry, told("retry"), { guardAs: parent });
  await publish(parent, { messageId: "m-1" });
  await eventually(() => expect(runs).toEqual(["parent"]));
  await publish(retry, { messageId: "m-1" });
  await publish(retry, { messageId: "m-2" });
  await eventually(() => expect(runs).toEqual(["parent", "retry"]));
  expect(guarded.seen.names().toSorted()).toEqual(["duplicate", "processed", "processed"]);
});

it("behaviour 65: a duplicate is acked once, never nacked, and the channel stays open", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const running = await consume(guarded, queue, nothing);
  const ack = vi.spyOn(running.channel, "ack");
  const nack = vi.spyOn(running.channel, "nack");
  await publish(queue, { messageId: "m-1", times: 3 });
  await eventually(() => expect(guarded.seen.outcomes).toHaveLength(3));
  await running.consumer.close();
  expect(ack).toHaveBeenCalledTimes(3);
  expect(nack).not.toHaveBeenCalled();
  // A tag that was acked twice would have closed the channel before this answer.
  await expect(running.channel.checkQueue(queue)).resolves.toMatchObject({ messageCount: 0 });
});

it("behaviour 69: a message that is not flagged as redelivered is checked all the same", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const flags: boolean[] = [];
  await consume(guarded, queue, async ({ fields }) => {
    flags.push(fields.redelivered);
  });
  await publish(queue, { messageId: "m-1", times: 2 });
  await eventually(() => expect(guarded.seen.outcomes).toHaveLength(2));
  expect(guarded.seen.names().toSorted()).toEqual(["duplicate", "processed"]);
  expect(guarded.seen.outcomes.map(({ delivery }) => delivery.redelivered)).toEqual([false, false]);
  expect(flags).toEqual([false]);
});

it("behaviour 74: a copy that comes back through a dead-letter exchange keeps its key", async () => {
  const queue = await newQueue();
  const delay = await newQueue({
    deadLetterExchange: "",
    deadLetterRoutingKey: queue,
    messageTtl: 20,
  });
  const guarded = guard();
  const handler = vi.fn(nothing);
  const running = await consume(guarded, queue, handler);
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
  await publish(delay, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
  const copy = guarded.seen.outcomes.find(({ outcome }) => outcome === "duplicate");
  expect(copy?.delivery.headers).toHaveProperty("x-death");
  expect(handler).toHaveBeenCalledTimes(1);
  await end(running);
});

it("20 publisher duplicates inside a prefetch of 10 give one run and 20 acks", async () => {
  const queue = await newQueue();
  const guarded = guard();
  await publish(queue, { messageId: "m-1", times: 20 });
  const connection = await connected();
  const [channel, looking] = [await connection.createChannel(), await connection.createChannel()];
  const ack = vi.spyOn(channel, "ack");
  const nack = vi.spyOn(channel, "nack");
  const handler = vi.fn(() =>
    eventually(async () => {
      const { messageCount } = await looking.checkQueue(queue);
      expect(messageCount).toBe(10);
    }),
  );
  const consumer = await rabbitConsume(guarded.deduplicator, channel, queue, handler, {
    prefetch: 10,
  });
  await eventually(() => expect(guarded.seen.outcomes).toHaveLength(20));
  await consumer.close();
  expect(handler).toHaveBeenCalledTimes(1);
  expect(guarded.seen.count("duplicate")).toBe(19);
  expect(ack).toHaveBeenCalledTimes(20);
  expect(nack).not.toHaveBeenCalled();
  expect(await drain(queue)).toEqual([]);
});

it("a duplicate drops nothing of the original: its record and its expiry stay as they were", async () => {
  const queue = await newQueue();
  const guarded = guard();
  await consume(guarded, queue, nothing);
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
  const before = await guarded.deduplicator.inspect({ topic: queue, id: "m-1" });
  await publish(queue, { messageId: "m-1", times: 5 });
  await eventually(() => expect(guarded.seen.count("duplicate")).toBe(5));
  const after = await guarded.deduplicator.inspect({ topic: queue, id: "m-1" });
  expect(after?.revision).toBe(before?.revision);
  expect(after?.expiresInMs).toBeLessThan(before?.expiresInMs ?? 0);
});
