import { coordinates, memoryStore } from "@onlyonce/core";
import { expect, it, vi } from "vitest";
import { consume, end, eventually, guard, newQueue, publish } from "./lab.js";

it("a message of a stream is retried in place until it is done: a stream takes nothing back", async () => {
  const stream = await newQueue({ arguments: { "x-queue-type": "stream" } });
  const guarded = guard({ key: coordinates() });
  const runs: string[] = [];
  for (const messageId of ["m-1", "m-2", "m-3"]) await publish(stream, { messageId });
  const running = await consume(
    guarded,
    stream,
    async ({ properties }, { attempt }) => {
      runs.push(`${properties.messageId}, attempt ${attempt}`);
      if (properties.messageId === "m-2" && attempt < 3) throw new Error("card declined");
    },
    {
      prefetch: 1,
      deadLetterExchange: true,
      retryDelayMs: () => 20,
      consume: { arguments: { "x-stream-offset": "first" } },
    },
  );
  await eventually(() => expect(guarded.seen.count("processed")).toBe(3));
  expect(runs).toEqual([
    "m-1, attempt 1",
    "m-2, attempt 1",
    "m-2, attempt 2",
    "m-2, attempt 3",
    "m-3, attempt 1",
  ]);
  expect(guarded.seen.outcomes.map(({ delivery }) => delivery.coordinates)).toEqual(
    [0, 1, 1, 1, 2].map((offset) => `${stream}@${offset}`),
  );
  await end(running);
});

it("poison on a stream is not rejected to an exchange that streams do not have", async () => {
  const stream = await newQueue({ arguments: { "x-queue-type": "stream" } });
  const guarded = guard({ key: coordinates(), maxAttempts: 1 });
  await publish(stream, { messageId: "m-1" });
  const running = await consume(
    guarded,
    stream,
    async () => {
      throw new Error("card declined");
    },
    { deadLetterExchange: true, consume: { arguments: { "x-stream-offset": "first" } } },
  );
  await eventually(() => expect(guarded.seen.names()).toEqual(["failed"]));
  expect(guarded.seen.incidents.map(({ kind }) => kind)).toEqual(["dead_letter_missing"]);
  await end(running);
});

it("a stream that is read again from its first offset runs nothing again", async () => {
  const stream = await newQueue({ arguments: { "x-queue-type": "stream" } });
  const store = memoryStore();
  const policy = { key: coordinates() };
  for (const messageId of ["m-1", "m-1", "m-2"]) await publish(stream, { messageId });
  const first = { consume: { arguments: { "x-stream-offset": "first" } } };
  const guarded = guard(policy, store);
  const running = await consume(guarded, stream, async () => undefined, first);
  // The offset is the identity: two messages of one id are two.
  await eventually(() => expect(guarded.seen.names()).toEqual(Array(3).fill("processed")));
  await end(running);
  const again = guard(policy, store);
  const handler = vi.fn(async () => undefined);
  const rereading = await consume(again, stream, handler, first);
  await eventually(() => expect(again.seen.names()).toEqual(Array(3).fill("duplicate")));
  expect(handler).not.toHaveBeenCalled();
  await end(rereading);
});
