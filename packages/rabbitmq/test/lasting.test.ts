import { memoryStore } from "@onlyonce/core";
import { type Channel, connect } from "amqplib";
import { describe, expect, inject, it, onTestFinished, vi } from "vitest";
import { rabbitConsume } from "../src/index.js";
import {
  connected,
  cut,
  drain,
  eventually,
  type Guard,
  gate,
  guard,
  type Handler,
  newQueue,
  publish,
  warnings,
} from "./lab.js";

const nothing = async (): Promise<void> => undefined;

/** A consumer whose channels a function makes, each on a connection of its own. */
async function lasting({ deduplicator }: Guard, queue: string, handler: Handler, refusals = 0) {
  const channels: Channel[] = [];
  const connections: Awaited<ReturnType<typeof connected>>[] = [];
  const open = vi.fn(async () => {
    if (channels.length > 0 && open.mock.calls.length <= 1 + refusals) throw new Error("not yet");
    const connection = await connect(inject("amqpUrl"));
    connection.on("error", () => undefined);
    connections.push(connection);
    const channel = await connection.createChannel();
    channels.push(channel);
    return channel;
  });
  const consumer = await rabbitConsume(deduplicator, open, queue, handler);
  onTestFinished(async () => {
    await consumer.close({ drainMs: 100 });
    for (const connection of connections) await connection.close().catch(() => undefined);
  });
  return { consumer, channels, connections, open };
}

describe("a consumer whose channels a function makes goes on", () => {
  it("after its channel was closed, and what was running there is dropped as duplicate", async () => {
    const queue = await newQueue();
    const guarded = guard({}, memoryStore());
    const work = gate();
    const handler = vi.fn(() => work.opened);
    const { channels } = await lasting(guarded, queue, handler);
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
    await channels[0]?.close();
    await eventually(() => expect(channels).toHaveLength(2));
    work.open();
    await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
    expect(guarded.seen.count("processed")).toBe(1);
    expect(handler).toHaveBeenCalledTimes(1);
    await publish(queue, { messageId: "m-2" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(2));
  });

  it("after its connection was cut, however often the next one is refused, and says so once", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const told = warnings();
    const { connections, open } = await lasting(guarded, queue, nothing, 2);
    const [first] = connections;
    if (first !== undefined) cut(first);
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
    expect(open).toHaveBeenCalledTimes(4);
    expect(told.filter((text) => text.includes("CONSUME_AGAIN"))).toEqual([
      `ONLYONCE_AMQP_CONSUME_AGAIN: Consuming ${JSON.stringify(queue)} again failed and is tried until it works: not yet`,
    ]);
  });

  it("behaviour 71: after the broker cancelled it, as soon as the queue is there again", async () => {
    const queue = await newQueue();
    const guarded = guard();
    warnings();
    const { channels } = await lasting(guarded, queue, nothing);
    const other = await (await connected()).createChannel();
    await other.deleteQueue(queue);
    await eventually(() => expect(channels.length).toBeGreaterThan(1));
    await other.assertQueue(queue, { durable: true });
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
  });

  it("after a handler acked by itself and the broker closed the channel", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const told = warnings();
    const { channels } = await lasting(guarded, queue, async (message) => {
      if (message.properties.messageId === "m-1") channels[0]?.ack(message);
    });
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(channels).toHaveLength(2));
    await publish(queue, { messageId: "m-2" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(2));
    expect(told[0]).toContain("ONLYONCE_AMQP_FOREIGN_ACK");
  });
});

it("close() lets handlers finish and be acked, and then closes the channel", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const work = gate();
  const handler = vi.fn(() => work.opened);
  const { consumer, channels, open } = await lasting(guarded, queue, handler);
  expect(consumer.consumerTag).not.toBe("");
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
  const closed = vi.fn();
  channels[0]?.once("close", closed);
  const closing = consumer.close();
  work.open();
  await closing;
  expect(closed).toHaveBeenCalledTimes(1);
  expect(guarded.seen.names()).toEqual(["processed"]);
  expect(open).toHaveBeenCalledTimes(1);
  expect(await drain(queue)).toEqual([]);
});

it("close() while it waits for a new channel ends the waiting", async () => {
  const queue = await newQueue();
  const { consumer, channels, open } = await lasting(guard(), queue, nothing, 1_000);
  await channels[0]?.close();
  await consumer.close();
  const asked = open.mock.calls.length;
  await publish(queue, { messageId: "m-1" });
  expect(await drain(queue)).toEqual(["m-1"]);
  expect(open).toHaveBeenCalledTimes(asked);
});

describe("what is wrong from the start is told at once", () => {
  it("no such queue", async () => {
    const consuming = lasting(guard(), "onlyonce-no-such-queue", nothing);
    await expect(consuming).rejects.toThrow("404");
  });

  it("a function that fails", async () => {
    const open = async (): Promise<Channel> => {
      throw new Error("no connection");
    };
    await expect(rabbitConsume(guard().deduplicator, open, "q", nothing)).rejects.toThrow(
      "no connection",
    );
  });

  it("a function that makes something else", async () => {
    const open = async () => ({}) as Channel;
    await expect(rabbitConsume(guard().deduplicator, open, "q", nothing)).rejects.toThrow(
      "channel must have the method consume",
    );
  });
});
