import { memoryStore } from "@onlyonce/core";
import { describe, expect, it, vi } from "vitest";
import { deliveryCount } from "../src/delivery-count.js";
import { consume, drain, end, eventually, gate, guard, newQueue, publish } from "./lab.js";

const KINDS = {
  classic: { "x-queue-type": "classic" },
  quorum: { "x-queue-type": "quorum" },
  priority: { "x-max-priority": 10 },
  "single active consumer": { "x-single-active-consumer": true },
};

describe.each(Object.entries(KINDS))("on a queue of the kind %s", (_, kind) => {
  it("duplicates are dropped, and a failed message comes again and is counted", async () => {
    const queue = await newQueue({ arguments: kind });
    const guarded = guard();
    const handler = vi.fn(async (_message: unknown, { attempt }: { readonly attempt: number }) => {
      if (attempt === 1) throw new Error("card declined");
    });
    const running = await consume(guarded, queue, handler, { retryDelayMs: () => 10 });
    await publish(queue, { messageId: "m-1", priority: 1 });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
    await publish(queue, { messageId: "m-1", priority: 9, times: 3 });
    await eventually(() => expect(guarded.seen.count("duplicate")).toBe(3));
    expect(handler).toHaveBeenCalledTimes(2);
    await end(running);
    expect(await drain(queue)).toEqual([]);
  });
});

it("the next single active consumer drops what the former one finished after it had lost its channel", async () => {
  const queue = await newQueue({ arguments: KINDS["single active consumer"] });
  const store = memoryStore();
  const [active, standby] = [guard({}, store), guard({}, store)];
  const work = gate();
  const handler = vi.fn(() => work.opened);
  const { channel } = await consume(active, queue, handler);
  const again = vi.fn(async () => undefined);
  await consume(standby, queue, again);
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
  await channel.close();
  work.open();
  await eventually(() => expect(standby.seen.names().at(-1)).toBe("duplicate"));
  expect(active.seen.names()).toEqual(["processed"]);
  expect(again).not.toHaveBeenCalled();
});

it.each([
  ["classic", [0, 0, 0]],
  ["quorum", [0, 1, 2]],
])(
  "behaviour 70: a %s queue delivers a message for the third time: it was delivered %j times before",
  async (type, expected) => {
    const queue = await newQueue({ arguments: { "x-queue-type": type } });
    const guarded = guard();
    const counts: number[] = [];
    const attempts: number[] = [];
    await consume(
      guarded,
      queue,
      async ({ properties }, { attempt }) => {
        counts.push(deliveryCount(properties.headers));
        attempts.push(attempt);
        if (attempt < 3) throw new Error("card declined");
      },
      { retryDelayMs: () => 10 },
    );
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
    expect(counts).toEqual(expected);
    // Whatever the broker counts.
    expect(attempts).toEqual([1, 2, 3]);
  },
);

it("priorities decide who is first, also of messages that come again", async () => {
  const queue = await newQueue({ arguments: KINDS.priority });
  const guarded = guard();
  await publish(queue, { messageId: "low", priority: 1 });
  await publish(queue, { messageId: "high", priority: 9 });
  await publish(queue, { messageId: "high", priority: 9 });
  await consume(guarded, queue, async () => undefined, { prefetch: 1 });
  await eventually(() =>
    expect(
      guarded.seen.outcomes.map(({ delivery, outcome }) => `${delivery.id} ${outcome}`),
    ).toEqual(["high processed", "high duplicate", "low processed"]),
  );
});
