import { memoryStore } from "@onlyonce/core";
import { describe, expect, it, vi } from "vitest";
import { rabbitConsume } from "../src/index.js";
import {
  connected,
  consume,
  cut,
  drain,
  end,
  eventually,
  gate,
  guard,
  newQueue,
  publish,
  warnings,
} from "./lab.js";

const nothing = async (): Promise<void> => undefined;

describe("behaviour 66: a channel that closes while the handler runs", () => {
  it("is never acked on again; the work is recorded and its redelivery dropped", async () => {
    const queue = await newQueue();
    const store = memoryStore();
    const first = guard({}, store);
    const work = gate();
    const handler = vi.fn(() => work.opened);
    const { channel } = await consume(first, queue, handler);
    const ack = vi.spyOn(channel, "ack");
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
    await channel.close();
    const second = guard({}, store);
    const again = vi.fn(nothing);
    const running = await consume(second, queue, again);
    work.open();
    await eventually(() => expect(first.seen.names()).toEqual(["processed"]));
    await eventually(() => expect(second.seen.names().at(-1)).toBe("duplicate"));
    expect(second.seen.outcomes[0]?.delivery.redelivered).toBe(true);
    expect(ack).not.toHaveBeenCalled();
    expect(again).not.toHaveBeenCalled();
    await end(running);
    expect(await drain(queue)).toEqual([]);
  });

  it("keeps its lease: a redelivery to the same process waits for the work and is dropped", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const work = gate();
    const handler = vi.fn(() => work.opened);
    const { channel } = await consume(guarded, queue, handler);
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
    await channel.close();
    const running = await consume(guarded, queue, handler);
    work.open();
    await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
    expect(guarded.seen.count("processed")).toBe(1);
    expect(handler).toHaveBeenCalledTimes(1);
    await end(running);
    expect(await drain(queue)).toEqual([]);
  });

  it("also when the whole connection is cut", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const work = gate();
    const handler = vi.fn(() => work.opened);
    const connection = await connected();
    const channel = await connection.createChannel();
    await rabbitConsume(guarded.deduplicator, channel, queue, handler);
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
    cut(connection);
    const running = await consume(guarded, queue, handler);
    work.open();
    await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
    expect(handler).toHaveBeenCalledTimes(1);
    await end(running);
    expect(await drain(queue)).toEqual([]);
  });
});

describe("behaviour 71: a consumer that the broker cancels", () => {
  it("is told to onCancel, never to the handler", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const handler = vi.fn(nothing);
    const onCancel = vi.fn();
    const { consumer, channel } = await consume(guarded, queue, handler, { onCancel });
    await (await (await connected()).createChannel()).deleteQueue(queue);
    await eventually(() => expect(onCancel).toHaveBeenCalledTimes(1));
    expect(handler).not.toHaveBeenCalled();
    await consumer.close();
    await channel.close();
  });

  it("is warned of when nobody listens", async () => {
    const queue = await newQueue();
    const told = warnings();
    await consume(guard(), queue, nothing);
    await (await (await connected()).createChannel()).deleteQueue(queue);
    await eventually(() => expect(told).toHaveLength(1));
    expect(told[0]).toContain("ONLYONCE_AMQP_CONSUMER_CANCELLED");
    expect(told[0]).toContain(queue);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("oh");
      },
    ],
    ["rejects", () => Promise.reject(new Error("oh"))],
  ])("survives an onCancel that %s", async (_, onCancel) => {
    const queue = await newQueue();
    const told = warnings();
    const { channel } = await consume(guard(), queue, nothing, { onCancel });
    await (await (await connected()).createChannel()).deleteQueue(queue);
    await eventually(() => expect(told).toEqual(["ONLYONCE_AMQP_CALLBACK: onCancel failed: oh"]));
    await channel.assertQueue(queue);
  });
});

it("a handler that acks by itself is told not to, once, and takes neither the connection nor a message down", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const told = warnings();
  const connection = await connected();
  const channel = await connection.createChannel();
  const consumer = await rabbitConsume(guarded.deduplicator, channel, queue, async (message) => {
    channel.ack(message);
  });
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(told).toHaveLength(1));
  expect(told[0]).toContain("ONLYONCE_AMQP_FOREIGN_ACK: The handler must not ack: onlyonce acks");
  await consumer.close();
  const sibling = await connection.createChannel();
  await expect(sibling.checkQueue(queue)).resolves.toMatchObject({ consumerCount: 0 });
  const running = await consume(guarded, queue, nothing);
  await publish(queue, { messageId: "m-2" });
  await eventually(() => expect(guarded.seen.count("processed")).toBe(2));
  await end(running);
  expect(await drain(queue)).toEqual([]);
});

it("a channel that the broker closes for another reason is spoken of, because its consumers have stopped", async () => {
  const queue = await newQueue();
  const told = warnings();
  const { channel } = await consume(guard(), queue, nothing);
  await expect(channel.checkQueue(`${queue}-missing`)).rejects.toThrow("404");
  await eventually(() => expect(told).toHaveLength(1));
  expect(told[0]).toContain("ONLYONCE_AMQP_CHANNEL_ERROR");
});

it("many consumers share a channel, each with its own prefetch, without a warning of too many listeners", async () => {
  const queues = await Promise.all(Array.from({ length: 12 }, () => newQueue()));
  const guarded = guard();
  const channel = await (await connected()).createChannel();
  const leaks: Error[] = [];
  const listen = (warning: Error): void => {
    if (warning.name === "MaxListenersExceededWarning") leaks.push(warning);
  };
  process.on("warning", listen);
  const works = queues.map(() => gate());
  const running = queues.map(() => 0);
  const consumers = await Promise.all(
    queues.map((queue, index) =>
      rabbitConsume(
        guarded.deduplicator,
        channel,
        queue,
        async () => {
          running[index] = (running[index] ?? 0) + 1;
          await works[index]?.opened;
        },
        { prefetch: index + 1 },
      ),
    ),
  );
  await Promise.all(
    queues.map(async (queue) => {
      for (let n = 0; n < 14; n += 1)
        channel.sendToQueue(queue, Buffer.from("x"), { messageId: `m-${n}` });
    }),
  );
  await eventually(() => expect(running).toEqual(queues.map((_, index) => index + 1)));
  for (const work of works) work.open();
  await eventually(() => expect(guarded.seen.count("processed")).toBe(12 * 14));
  await Promise.all(consumers.map((consumer) => consumer.close()));
  process.off("warning", listen);
  expect(leaks).toEqual([]);
});

describe("construction", () => {
  it("behaviour 73: refuses noAck", async () => {
    const queue = await newQueue();
    const channel = await (await connected()).createChannel();
    const { deduplicator } = guard();
    const options = { noAck: true } as object;
    expect(() => rabbitConsume(deduplicator, channel, queue, nothing, options)).toThrow(
      "options.noAck is refused, got true",
    );
    await expect(channel.checkQueue(queue)).resolves.toMatchObject({ consumerCount: 0 });
  });

  it("refuses a delivery limit that the topic's maxAttempts would reach", async () => {
    const channel = await (await connected()).createChannel();
    const { deduplicator } = guard({ maxAttempts: 20 });
    expect(() => rabbitConsume(deduplicator, channel, "payments", nothing)).toThrow(RangeError);
    expect(() => rabbitConsume(deduplicator, channel, "payments", nothing)).toThrow(
      "maxAttempts (20), got 20",
    );
  });

  it.each([
    ["deduplicator", {}, undefined, "q", nothing],
    ["channel", undefined, {}, "q", nothing],
    ["channel", undefined, null, "q", nothing],
    ["queue", undefined, undefined, "", nothing],
    ["handler", undefined, undefined, "q", "not a function"],
  ])("refuses a wrong %s", async (name, deduplicator, channel, queue, handler) => {
    const real = await (await connected()).createChannel();
    const call = rabbitConsume as (...given: unknown[]) => unknown;
    const given = [
      deduplicator ?? guard().deduplicator,
      channel === undefined ? real : channel,
      queue,
      handler,
    ];
    expect(() => call(...given)).toThrow(TypeError);
    expect(() => call(...given)).toThrow(name);
  });

  it("refuses a wrapper that acks on whatever channel is open: tags start again on each", async () => {
    const channel = await (await connected()).createChannel();
    const wrapper = Object.assign(channel, { addSetup: async () => undefined });
    expect(() => rabbitConsume(guard().deduplicator, wrapper, "q", nothing)).toThrow(
      "not a ChannelWrapper",
    );
  });

  it("rejects, without a warning, when the queue does not exist", async () => {
    const told = warnings();
    const connection = await connected();
    const channel = await connection.createChannel();
    const { deduplicator } = guard();
    const consuming = rabbitConsume(deduplicator, channel, "onlyonce-no-such-queue", nothing);
    await expect(consuming).rejects.toThrow("404");
    await (await connection.createChannel()).close();
    expect(told).toEqual([]);
  });

  it("passes consume settings on", async () => {
    const queue = await newQueue();
    const { consumer } = await consume(guard(), queue, nothing, {
      consume: { consumerTag: "chosen", exclusive: true, priority: 3 },
    });
    expect(consumer.consumerTag).toBe("chosen");
    const rival = await (await connected()).createChannel();
    rival.on("error", () => undefined);
    await expect(rival.consume(queue, () => undefined)).rejects.toThrow("403");
  });
});
