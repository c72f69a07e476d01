import { EventEmitter } from "node:events";
import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { expect, it, vi } from "vitest";
import { type AmqpChannel, type AmqpMessage, rabbitConsume } from "../src/index.js";
import { eventually, guard, warnings } from "./lab.js";

/** A channel that delivers what the test says and keeps what it is told. */
class ScriptedChannel extends EventEmitter implements AmqpChannel {
  deliver: (message: AmqpMessage | null) => void = () => undefined;
  readonly said: string[] = [];
  failsOn: string | undefined;

  async prefetch(count: number): Promise<void> {
    this.#say(`prefetch ${count}`);
  }

  async consume(
    queue: string,
    onMessage: (message: AmqpMessage | null) => void,
  ): Promise<{ consumerTag: string }> {
    this.#say(`consume ${queue}`);
    this.deliver = onMessage;
    return { consumerTag: "tag" };
  }

  async cancel(consumerTag: string): Promise<void> {
    this.#say(`cancel ${consumerTag}`);
  }

  ack(message: AmqpMessage): void {
    this.#say(`ack ${message.fields.deliveryTag}`);
  }

  nack(message: AmqpMessage, allUpTo?: boolean, requeue?: boolean): void {
    this.#say(`nack ${message.fields.deliveryTag} ${allUpTo} ${requeue}`);
  }

  #say(text: string): void {
    this.said.push(text);
    if (this.failsOn !== undefined && text.startsWith(this.failsOn)) throw new Error(text);
  }
}

function message(deliveryTag: number, messageId = `m-${deliveryTag}`): AmqpMessage {
  const fields = { deliveryTag, redelivered: false };
  return { content: Buffer.from("{}"), fields, properties: { messageId, headers: {} } };
}

it("sets the prefetch, then consumes, and nothing is between the two", async () => {
  const channel = new ScriptedChannel();
  await rabbitConsume(guard().deduplicator, channel, "payments", async () => undefined);
  expect(channel.said).toEqual(["prefetch 32", "consume payments"]);
});

it("returns nothing to the channel, whatever the handler does", async () => {
  const channel = new ScriptedChannel();
  const { deduplicator, seen } = guard();
  const handler = vi.fn((): Promise<void> => {
    throw new TypeError("thrown, not rejected");
  });
  await rabbitConsume(deduplicator, channel, "q", handler, { retryDelayMs: () => 0 });
  expect(channel.deliver(message(1))).toBeUndefined();
  await eventually(() => expect(channel.said).toContain("nack 1 false true"));
  expect(seen.names()).toEqual(["failed"]);
});

it("survives a message that no client should deliver, and leaves it unsettled", async () => {
  const channel = new ScriptedChannel();
  const told = warnings();
  const handler = vi.fn(async () => undefined);
  const consumer = await rabbitConsume(guard().deduplicator, channel, "q", handler);
  expect(() => channel.deliver({} as AmqpMessage)).not.toThrow();
  await eventually(() => expect(told).toHaveLength(1));
  expect(told[0]).toContain("ONLYONCE_AMQP_UNEXPECTED");
  await consumer.close();
  expect(handler).not.toHaveBeenCalled();
  expect(channel.said).toEqual(["prefetch 32", "consume q", "cancel tag", "cancel tag"]);
});

it("an ack that throws, because the channel is closing, ends nothing and is not repeated", async () => {
  const channel = new ScriptedChannel();
  const { deduplicator, seen } = guard();
  const consumer = await rabbitConsume(deduplicator, channel, "q", async () => undefined);
  channel.failsOn = "ack";
  channel.deliver(message(1));
  channel.deliver(message(2));
  await eventually(() => expect(seen.count("processed")).toBe(2));
  await consumer.close();
  expect(channel.said.filter((text) => text.startsWith("ack"))).toEqual(["ack 1", "ack 2"]);
});

it("says nothing more on a channel once that is closed", async () => {
  const channel = new ScriptedChannel();
  const { deduplicator, seen } = guard();
  let finish = (): void => undefined;
  const handler = () =>
    new Promise<void>((resolve) => {
      finish = resolve;
    });
  const consumer = await rabbitConsume(deduplicator, channel, "q", handler);
  channel.deliver(message(1));
  await eventually(async () => {
    const record = await deduplicator.inspect({ topic: "q", id: "m-1" });
    expect(record?.state).toBe("claimed");
  });
  channel.emit("close");
  channel.deliver(message(2));
  finish();
  await eventually(() => expect(seen.names()).toEqual(["processed"]));
  await consumer.close();
  expect(channel.said).toEqual(["prefetch 32", "consume q"]);
});

it("stops its timers and its waits when it closes, and leaves what they held unsettled", async () => {
  const channel = new ScriptedChannel();
  const { deduplicator } = guard();
  const consumer = await rabbitConsume(
    deduplicator,
    channel,
    "q",
    async () => {
      throw new Error("card declined");
    },
    { retryDelayMs: () => 2_147_483_647 },
  );
  channel.deliver(message(1));
  await eventually(async () => {
    const record = await deduplicator.inspect({ topic: "q", id: "m-1" });
    expect(record?.state).toBe("failed");
  });
  await consumer.close();
  expect(channel.said).toEqual(["prefetch 32", "consume q", "cancel tag", "cancel tag"]);
});

it("a deduplicator that was closed first takes nothing: messages stay unsettled", async () => {
  const channel = new ScriptedChannel();
  const deduplicator = createDeduplicator({ store: memoryStore(), scope: "billing" });
  const handler = vi.fn(async () => undefined);
  const consumer = await rabbitConsume(deduplicator, channel, "q", handler);
  await deduplicator.close();
  channel.deliver(message(1));
  await consumer.close();
  expect(handler).not.toHaveBeenCalled();
  expect(channel.said).toEqual(["prefetch 32", "consume q", "cancel tag", "cancel tag"]);
});
