import { type Codec, jsonCodec } from "@onlyonce/core";
import type { ConsumeMessage } from "amqplib";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { rabbitConsume } from "../src/index.js";
import {
  connected,
  cut,
  eventually,
  type Guard,
  guard,
  newQueue,
  publish,
  warnings,
} from "./lab.js";

type Receipt = { readonly charged: number };

const receipts = jsonCodec<Receipt>();

async function serve(
  { deduplicator }: Guard,
  queue: string,
  handler: (message: ConsumeMessage) => Promise<Receipt>,
  replay: Codec<Receipt> = receipts,
) {
  const connection = await connected();
  const channel = await connection.createChannel();
  const consumer = await rabbitConsume(deduplicator, channel, queue, handler, { replay });
  onTestFinished(() => consumer.close({ drainMs: 100 }));
  return { connection, channel, consumer };
}

/** What arrives at a queue of replies: correlation id and body. */
async function inbox(): Promise<{ readonly replyTo: string; readonly replies: string[] }> {
  const channel = await (await connected()).createChannel();
  const { queue: replyTo } = await channel.assertQueue("", { exclusive: true });
  const replies: string[] = [];
  await channel.consume(
    replyTo,
    (message) => {
      if (message !== null)
        replies.push(`${message.properties.correlationId} ${message.content.toString()}`);
    },
    { noAck: true },
  );
  return { replyTo, replies };
}

it("a duplicate request gets the stored reply, to its own address and under its own correlation id", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const handler = vi.fn(async () => ({ charged: 5 }));
  await serve(guarded, queue, handler);
  const [first, second] = [await inbox(), await inbox()];
  await publish(queue, { messageId: "m-1", replyTo: first.replyTo, correlationId: "c-1" });
  await eventually(() => expect(first.replies).toEqual(['c-1 {"charged":5}']));
  await publish(queue, { messageId: "m-1", replyTo: second.replyTo, correlationId: "c-2" });
  await eventually(() => expect(second.replies).toEqual(['c-2 {"charged":5}']));
  expect(first.replies).toHaveLength(1);
  expect(handler).toHaveBeenCalledTimes(1);
  expect(guarded.seen.names()).toEqual(["processed", "duplicate"]);
});

it("a request whose reply and ack were lost is answered when it comes again, without a second run", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const { replyTo, replies } = await inbox();
  const handler = vi.fn(async () => ({ charged: 5 }));
  const { connection, channel } = await serve(guarded, queue, handler);
  channel.publish = () => {
    cut(connection);
    throw new Error("the network is gone");
  };
  warnings();
  await publish(queue, { messageId: "m-1", replyTo, correlationId: "c-1" });
  await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
  await serve(guarded, queue, handler);
  await eventually(() => expect(replies).toEqual(['c-1 {"charged":5}']));
  expect(handler).toHaveBeenCalledTimes(1);
});

it("a failed request gets no reply until it succeeds; a request without an address gets none at all", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const { replyTo, replies } = await inbox();
  let calls = 0;
  await serve(guarded, queue, async () => {
    calls += 1;
    if (calls === 1) throw new Error("card declined");
    return { charged: calls };
  });
  await publish(queue, { messageId: "m-1", replyTo, correlationId: "c-1" });
  await eventually(() => expect(replies).toEqual(['c-1 {"charged":2}']));
  await publish(queue, { messageId: "m-2", correlationId: "c-2" });
  await eventually(() => expect(guarded.seen.count("processed")).toBe(2));
  expect(replies).toHaveLength(1);
});

it("a result too large to store answers its request, and its duplicates are acked without a reply, which is said", async () => {
  const queue = await newQueue();
  const guarded = guard();
  const told = warnings();
  const { replyTo, replies } = await inbox();
  await serve(
    guarded,
    queue,
    async () => ({ charged: 123_456 }),
    jsonCodec<Receipt>({ maxBytes: 4 }),
  );
  await publish(queue, { messageId: "m-1", replyTo, correlationId: "c-1", times: 2 });
  await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
  await eventually(() => expect(replies).toEqual(['c-1 {"charged":123456}']));
  expect(guarded.seen.incidents.map(({ kind }) => kind)).toEqual(["result_not_stored"]);
  await eventually(() => expect(told).toHaveLength(1));
  expect(told[0]).toContain("ONLYONCE_AMQP_REPLY: A request is acked without a reply");
});

describe("a wrong codec is refused", () => {
  it.each([
    ["json", "options.replay must be an object"],
    [{ ...receipts, encode: undefined }, "options.replay.encode"],
    [{ ...receipts, decode: 1 }, "options.replay.decode"],
    [{ ...receipts, maxBytes: 0 }, "options.replay.maxBytes"],
  ])("%o", async (replay, name) => {
    const channel = await (await connected()).createChannel();
    const call = rabbitConsume as (...given: unknown[]) => unknown;
    const handler = async (): Promise<void> => undefined;
    const { deduplicator } = guard();
    expect(() => call(deduplicator, channel, "q", handler, { replay })).toThrow(name);
  });
});
