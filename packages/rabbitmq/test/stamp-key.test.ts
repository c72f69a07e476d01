import { header, jsonField } from "@onlyonce/core";
import type { Channel, ConfirmChannel } from "amqplib";
import { expect, expectTypeOf, it, vi } from "vitest";
import { stampKey } from "../src/index.js";
import { connected, consume, cut, drain, eventually, guard, newQueue } from "./lab.js";

const byId = jsonField("/id");

async function opened(): Promise<ConfirmChannel> {
  return (await connected()).createConfirmChannel();
}

it("behaviour 69: a message published again after a lost confirm is run once", async () => {
  const queue = await newQueue();
  const body = Buffer.from('{"id":17,"amount":5}');
  const connection = await connected();
  const first = await connection.createConfirmChannel();
  const confirmed = new Promise<void>((resolve) => {
    stampKey(first, byId).sendToQueue(queue, body, {}, () => resolve());
  });
  // The broker has it, but the publisher is gone before it hears so: it publishes again.
  await confirmed;
  cut(connection);
  const second = await opened();
  stampKey(second, byId).sendToQueue(queue, body);
  await second.waitForConfirms();
  const guarded = guard();
  const handler = vi.fn(async () => undefined);
  await consume(guarded, queue, handler);
  await eventually(() => expect(guarded.seen.names().sort()).toEqual(["duplicate", "processed"]));
  expect(handler).toHaveBeenCalledTimes(1);
});

it("the id follows from exchange, routing key and key, and from nothing else", async () => {
  const queue = await newQueue();
  const other = await newQueue();
  const channel = await opened();
  const stamped = stampKey(channel, byId);
  stamped.sendToQueue(queue, Buffer.from('{"id":1,"try":1}'), { priority: 1 });
  stamped.publish("", queue, Buffer.from('{"id":1,"try":2}'));
  stamped.sendToQueue(queue, Buffer.from('{"id":"1"}'));
  stamped.sendToQueue(other, Buffer.from('{"id":1}'));
  await channel.waitForConfirms();
  const [first, second, third] = await drain(queue);
  expect(first).toMatch(/^[\w-]{22}$/);
  expect(second).toBe(first);
  expect(third).not.toBe(first);
  expect(await drain(other)).not.toContain(first);
});

it("headers may be the key, other options are passed on, and an id of the caller is kept", async () => {
  const queue = await newQueue();
  const channel = await opened();
  const stamped = stampKey(channel, header("idempotency-key"));
  const headers = { "idempotency-key": "k-1" };
  stamped.sendToQueue(queue, Buffer.from("a"), { headers, correlationId: "c-1" });
  stamped.sendToQueue(queue, Buffer.from("b"), { messageId: "mine" });
  await channel.waitForConfirms();
  const message = await channel.get(queue, { noAck: true });
  expect(message).toMatchObject({ properties: { headers, correlationId: "c-1" } });
  expect(await drain(queue)).toEqual(["mine"]);
});

it("a message without a key is refused before it is sent", async () => {
  const queue = await newQueue();
  const channel = await opened();
  const stamped = stampKey(channel, byId);
  expect(() => stamped.sendToQueue(queue, Buffer.from("{}"))).toThrow(
    `the key strategy found no key in a message for exchange "" and routing key "${queue}"`,
  );
  expect(await drain(queue)).toEqual([]);
});

it("has the types of the channel that it stamps", async () => {
  const channel = await opened();
  const stamped = stampKey(channel, byId);
  expectTypeOf(stamped.publish).toEqualTypeOf<ConfirmChannel["publish"]>();
  expectTypeOf<Channel>().toExtend<Parameters<typeof stampKey>[0]>();
});

it("refuses what cannot publish, and what is no strategy", async () => {
  const call = stampKey as (...given: unknown[]) => unknown;
  expect(() => call({}, byId)).toThrow("channel must be an amqplib channel");
  expect(() => call(null, byId)).toThrow("channel must be an amqplib channel");
  const channel = await opened();
  expect(() => call(channel, "id")).toThrow('strategy must be a function, got "id"');
});
