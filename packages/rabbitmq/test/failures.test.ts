import { PermanentError } from "@onlyonce/core";
import { describe, expect, it, vi } from "vitest";
import { consume, drain, end, eventually, guard, newQueue, publish, warnings } from "./lab.js";

const soon = { retryDelayMs: () => 20 };

async function fail(): Promise<never> {
  throw new Error("card declined");
}

describe("a handler that throws", () => {
  it("behaviour 21: releases the claim, and the redelivery runs", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const attempts: number[] = [];
    const flags: boolean[] = [];
    const running = await consume(
      guarded,
      queue,
      async ({ fields }, { attempt }) => {
        attempts.push(attempt);
        flags.push(fields.redelivered);
        if (attempt < 3) await fail();
      },
      soon,
    );
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed", "failed", "processed"]));
    expect(attempts).toEqual([1, 2, 3]);
    expect(flags).toEqual([false, true, true]);
    await end(running);
    expect(await drain(queue)).toEqual([]);
  });

  it("has its attempts counted in the store, by key: a copy goes on counting", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const running = await consume(guarded, queue, fail, { retryDelayMs: () => 60_000 });
    await publish(queue, { messageId: "m-1", times: 2 });
    await eventually(() => expect(guarded.seen.count("failed")).toBe(2));
    expect(guarded.seen.outcomes.map(({ attempt }) => attempt)).toEqual([1, 2]);
    const record = await guarded.deduplicator.inspect({ topic: queue, id: "m-1" });
    expect(record).toMatchObject({ state: "failed", attempt: 2 });
    await end(running);
    expect(await drain(queue)).toEqual(["m-1", "m-1"]);
  });

  it("gets its message back after the chosen delay, and not at once", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const startedAtMs: number[] = [];
    const asked: number[] = [];
    await consume(
      guarded,
      queue,
      async (_, { attempt }) => {
        startedAtMs.push(performance.now());
        if (attempt < 3) await fail();
      },
      {
        retryDelayMs: (attempt) => {
          asked.push(attempt);
          return 150 * attempt;
        },
      },
    );
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
    expect(asked).toEqual([1, 2]);
    const [first = 0, second = 0, third = 0] = startedAtMs;
    expect(second - first).toBeGreaterThanOrEqual(149);
    expect(third - second).toBeGreaterThanOrEqual(299);
  });

  it("goes on with the default delay when retryDelayMs throws, and says so once", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const told = warnings();
    let asked = 0;
    await consume(
      guarded,
      queue,
      async (_, { attempt }) => {
        if (attempt < 3) await fail();
      },
      {
        retryDelayMs: () => {
          asked += 1;
          if (asked === 1) throw new Error("no idea");
          return Number.NaN;
        },
      },
    );
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
    expect(told).toEqual([expect.stringContaining("ONLYONCE_AMQP_CALLBACK: retryDelayMs")]);
  });

  it("may fail without a key too: its message comes back until it is done", async () => {
    const queue = await newQueue();
    const guarded = guard();
    let runs = 0;
    const running = await consume(
      guarded,
      queue,
      async () => {
        runs += 1;
        if (runs < 4) await fail();
      },
      soon,
    );
    await publish(queue);
    await eventually(() => expect(guarded.seen.outcomes).toHaveLength(4));
    expect(guarded.seen.names()).toEqual(Array(4).fill("unprotected:key_missing"));
    await end(running);
    expect(await drain(queue)).toEqual([]);
  });
});

it("behaviour 25: a handler that skips settles the message and remembers nothing", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const handler = vi.fn(async (_: unknown, context: { skip(): void }) => context.skip());
  const running = await consume(guarded, queue, handler);
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed:skipped"]));
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(handler).toHaveBeenCalledTimes(2));
  await end(running);
  expect(await drain(queue)).toEqual([]);
});

describe("a poison message", () => {
  it("goes to the dead-letter exchange after maxAttempts, and runs again when it is re-driven", async () => {
    const parked = await newQueue();
    const queue = await newQueue({ deadLetterExchange: "", deadLetterRoutingKey: parked });
    const guarded = guard({ maxAttempts: 3 });
    let isBroken = true;
    const handler = vi.fn(async () => {
      if (isBroken) await fail();
    });
    const running = await consume(guarded, queue, handler, { ...soon, deadLetterExchange: true });
    await publish(queue, { messageId: "m-1" });
    await eventually(() =>
      expect(guarded.seen.names()).toEqual(["failed", "failed", "failed:poison"]),
    );
    expect(handler).toHaveBeenCalledTimes(3);
    await eventually(async () => expect(await drain(parked)).toEqual(["m-1"]));
    isBroken = false;
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
    expect(guarded.seen.outcomes.at(-1)?.attempt).toBe(1);
    await end(running);
    expect(await drain(queue)).toEqual([]);
  });

  it("behaviour 68: goes to the deadLetter function, which is awaited before the ack: the original is settled, too", async () => {
    const queue = await newQueue();
    const guarded = guard({ maxAttempts: 2 });
    const order: string[] = [];
    const running = await consume(guarded, queue, fail, {
      ...soon,
      deadLetter: async ({ properties }, { error, attempt }) => {
        await publish(parked, { messageId: properties.messageId });
        order.push(`${(error as Error).message}, attempt ${attempt}`);
      },
    });
    const parked = await newQueue();
    const ack = running.channel.ack.bind(running.channel);
    running.channel.ack = (message) => {
      order.push("ack");
      ack(message);
    };
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed", "failed:poison"]));
    await end(running);
    expect(order).toEqual(["card declined, attempt 2", "ack"]);
    expect(await drain(parked)).toEqual(["m-1"]);
    expect(await drain(queue)).toEqual([]);
  });

  it("is dead-lettered at once when the handler says that retrying cannot help", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const deadLetter = vi.fn(async () => undefined);
    const running = await consume(
      guarded,
      queue,
      async () => {
        throw new PermanentError("no such account");
      },
      { deadLetter },
    );
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed:poison"]));
    expect(deadLetter).toHaveBeenCalledTimes(1);
    await end(running);
    expect(await drain(queue)).toEqual([]);
  });

  it("is kept when its dead letter cannot be published", async () => {
    const queue = await newQueue();
    const guarded = guard({ maxAttempts: 1 });
    const deadLetter = vi.fn(() => Promise.reject(new Error("no route")));
    const running = await consume(guarded, queue, fail, { deadLetter });
    const settled = [vi.spyOn(running.channel, "ack"), vi.spyOn(running.channel, "nack")];
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.count("failed")).toBe(1));
    expect(guarded.seen.count("failed", "poison")).toBe(0);
    await end(running);
    for (const settle of settled) expect(settle).not.toHaveBeenCalled();
    expect(await drain(queue)).toEqual(["m-1"]);
  });

  it("is kept when there is no dead-letter target at all", async () => {
    const queue = await newQueue();
    const guarded = guard({ maxAttempts: 1 });
    const running = await consume(guarded, queue, fail);
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed"]));
    expect(guarded.seen.incidents.map(({ kind }) => kind)).toEqual(["dead_letter_missing"]);
    await end(running);
    expect(await drain(queue)).toEqual(["m-1"]);
  });
});

it("a message whose key is missing is rejected where the policy says so", async () => {
  const parked = await newQueue();
  const queue = await newQueue({ deadLetterExchange: "", deadLetterRoutingKey: parked });
  const guarded = guard({ onMissingKey: "reject" });
  const handler = vi.fn(async () => undefined);
  const running = await consume(guarded, queue, handler, { deadLetterExchange: true });
  await publish(queue);
  await eventually(() => expect(guarded.seen.names()).toEqual(["failed:key_missing"]));
  await eventually(async () => expect(await drain(parked)).toHaveLength(1));
  expect(handler).not.toHaveBeenCalled();
  await end(running);
});
