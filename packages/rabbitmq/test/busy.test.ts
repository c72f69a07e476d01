import { memoryStore } from "@onlyonce/core";
import { expect, it, onTestFinished, vi } from "vitest";
import {
  consume,
  drain,
  end,
  eventually,
  type Guard,
  gate,
  guard,
  newQueue,
  publish,
} from "./lab.js";

/** Another process that holds the claim on a message and works until the gate opens. */
async function owner(
  queue: string,
  id: string,
  { deduplicator }: Guard,
): Promise<ReturnType<typeof gate>> {
  const work = gate();
  const started = gate();
  const done = deduplicator.process({ topic: queue, id }, () => {
    started.open();
    return work.opened;
  });
  done.catch(() => undefined);
  onTestFinished(() => work.open());
  await started.opened;
  return work;
}

it("behaviours 31 and 32: while another process runs a message it is neither acked nor run, and dropped once done", async () => {
  const queue = await newQueue();
  const store = memoryStore();
  const work = await owner(queue, "m-1", guard({}, store));
  const guarded = guard({ busyWaitMs: 1_900 }, store);
  const handler = vi.fn(async () => undefined);
  const running = await consume(guarded, queue, handler);
  const ack = vi.spyOn(running.channel, "ack");
  const nack = vi.spyOn(running.channel, "nack");
  await publish(queue, { messageId: "m-1" });
  await publish(queue, { messageId: "m-2" });
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed"]));
  expect(ack).toHaveBeenCalledTimes(1);
  work.open();
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed", "duplicate"]));
  expect(handler).toHaveBeenCalledTimes(1);
  expect(nack).not.toHaveBeenCalled();
  await end(running);
  expect(await drain(queue)).toEqual([]);
});

it("behaviour 33: when the owner fails, a waiting message runs at once", async () => {
  const queue = await newQueue();
  const store = memoryStore();
  const policy = { ackTimeoutMs: 60_000, leaseMs: 30_000 };
  const work = await owner(queue, "m-1", guard(policy, store));
  const guarded = guard(policy, store);
  await consume(guarded, queue, async () => undefined);
  await publish(queue, { messageId: "m-1" });
  await publish(queue, { messageId: "m-2" });
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed"]));
  const failedAtMs = performance.now();
  work.fail(new Error("card declined"));
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed", "processed"]));
  expect(performance.now() - failedAtMs).toBeLessThan(2_000);
  expect(guarded.seen.outcomes.at(-1)?.attempt).toBe(2);
});

it("behaviour 34: when the wait is over the message is handed back after a rest, and the wait is reported", async () => {
  const queue = await newQueue({ arguments: { "x-queue-type": "quorum" } });
  const store = memoryStore();
  const policy = { ackTimeoutMs: 60_000, leaseMs: 250, busyWaitMs: 50 };
  const work = await owner(queue, "m-1", guard(policy, store));
  const guarded = guard(policy, store);
  const running = await consume(guarded, queue, async () => undefined);
  const nackedAtMs: number[] = [];
  const nack = running.channel.nack.bind(running.channel);
  running.channel.nack = (...given) => {
    nackedAtMs.push(performance.now());
    nack(...given);
  };
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("busy")).toBe(2));
  work.open();
  await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
  const [first = 0, second = 0] = nackedAtMs;
  expect(second - first).toBeGreaterThanOrEqual(1_000);
  await end(running);
  expect(await drain(queue)).toEqual([]);
});

it("a key that is busy for long does not cost the message its life on a queue with a delivery limit", async () => {
  const limit = 4;
  const queue = await newQueue({
    arguments: { "x-queue-type": "quorum", "x-delivery-limit": limit },
  });
  const store = memoryStore();
  const policy = { ackTimeoutMs: 60_000, leaseMs: 250, busyWaitMs: 50, maxAttempts: 3 };
  const work = await owner(queue, "m-1", guard(policy, store));
  const guarded = guard(policy, store);
  const handler = vi.fn(async () => undefined);
  const running = await consume(guarded, queue, handler, { deliveryLimit: limit });
  await publish(queue, { messageId: "m-1" });
  // More waits than the queue allows redeliveries.
  await eventually(() => expect(guarded.seen.count("busy")).toBeGreaterThan(limit + 1));
  work.fail(new Error("card declined"));
  await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
  expect(handler).toHaveBeenCalledTimes(1);
  await end(running);
  expect(await drain(queue)).toEqual([]);
});

it("busy messages that wait never take the last place: the consumer keeps moving", async () => {
  const queue = await newQueue();
  const store = memoryStore();
  const policy = { ackTimeoutMs: 600_000, leaseMs: 60_000 };
  const owning = guard(policy, store);
  const busyIds = ["b-1", "b-2", "b-3", "b-4"];
  const works = await Promise.all(busyIds.map((id) => owner(queue, id, owning)));
  const guarded = guard(policy, store);
  await consume(guarded, queue, async () => undefined, { prefetch: 5 });
  for (const messageId of [...busyIds, "m-1", "m-2"]) await publish(queue, { messageId });
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed", "processed"]));
  works.push(await owner(queue, "b-5", owning));
  await publish(queue, { messageId: "b-5" });
  await eventually(() => expect(guarded.seen.count("busy")).toBe(1));
  for (const work of works) work.open();
  await eventually(() => expect(guarded.seen.count("duplicate")).toBe(4));
});
