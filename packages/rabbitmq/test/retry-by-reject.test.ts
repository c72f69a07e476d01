import { memoryStore } from "@onlyonce/core";
import { expect, it, onTestFinished, vi } from "vitest";
import { connected, consume, drain, end, eventually, guard, newQueue, publish } from "./lab.js";

const retry = { deadLetterExchange: true } as const;

/** A queue whose dead-letter exchange keeps what is rejected for a while, and then brings it back. */
async function newCircle(ttlMs: number, kind = "classic"): Promise<string> {
  const waiting = `onlyonce-test-waiting-${crypto.randomUUID()}`;
  const queue = await newQueue({
    deadLetterExchange: "",
    deadLetterRoutingKey: waiting,
    arguments: { "x-queue-type": kind },
  });
  const channel = await (await connected()).createChannel();
  await channel.assertQueue(waiting, {
    durable: true,
    messageTtl: ttlMs,
    deadLetterExchange: "",
    deadLetterRoutingKey: queue,
  });
  onTestFinished(async () => {
    const cleaner = await (await connected()).createChannel();
    await cleaner.deleteQueue(waiting);
  });
  return queue;
}

it.each(["classic", "quorum"])(
  "a failed message of a %s queue leaves by reject, comes back after the time of the broker, and is counted in the store",
  async (kind) => {
    const queue = await newCircle(100, kind);
    const guarded = guard({ maxAttempts: 3 });
    const deaths: unknown[] = [];
    const deadLetter = vi.fn(async () => undefined);
    const running = await consume(
      guarded,
      queue,
      async ({ properties }) => {
        deaths.push((properties.headers?.["x-death"] ?? []).map(({ count }) => count));
        throw new Error("card declined");
      },
      { retry, deadLetter },
    );
    const requeue = vi.spyOn(running.channel, "nack");
    await publish(queue, { messageId: "m-1" });
    await eventually(() =>
      expect(guarded.seen.names()).toEqual(["failed", "failed", "failed:poison"]),
    );
    expect(requeue.mock.calls.map(([, , requeues]) => requeues)).toEqual([false, false]);
    // Once rejected and once expired for each round.
    expect(deaths).toEqual([[], [1, 1], [2, 2]]);
    expect(deadLetter).toHaveBeenCalledTimes(1);
    const flags = guarded.seen.outcomes.map(({ delivery }) => delivery.redelivered);
    expect(flags).toEqual([false, true, true]);
    await end(running);
    expect(await drain(queue)).toEqual([]);
  },
);

it("a busy message leaves by reject, too, and is dropped when it comes back to find its work done", async () => {
  const queue = await newCircle(100);
  const store = memoryStore();
  const policy = { leaseMs: 1_000, busyWaitMs: 20, ackTimeoutMs: 60_000 };
  let finish = (): void => undefined;
  const work = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const owning = guard(policy, store).deduplicator.process({ topic: queue, id: "m-1" }, () => work);
  const guarded = guard(policy, store);
  const handler = vi.fn(async () => undefined);
  const running = await consume(guarded, queue, handler, { retry, prefetch: 1 });
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("busy")).toBeGreaterThan(1));
  finish();
  await owning;
  await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
  expect(handler).not.toHaveBeenCalled();
  await end(running);
  expect(await drain(queue)).toEqual([]);
});
