import { rabbitConsume } from "@onlyonce/rabbitmq";
import { type AmqpConnectionManager, connect } from "amqp-connection-manager";
import type { ConfirmChannel } from "amqplib";
import { expect, inject, it, onTestFinished, vi } from "vitest";
import { drain, eventually, gate, guard, newQueue, publish } from "./rabbitmq-lab.js";

function managed(): AmqpConnectionManager {
  const manager = connect(inject("amqpUrl"), { reconnectTimeInSeconds: 0.1 });
  onTestFinished(() => manager.close());
  return manager;
}

/** Loses the connection as a broken network does. */
function cut(manager: AmqpConnectionManager): void {
  const connection = manager.connection?.connection;
  const stream = Reflect.get(Object(connection), "stream") as { destroy(error: Error): void };
  stream.destroy(new Error("the network is gone"));
}

it("amqp-connection-manager: a consumer of its setup function outlives a lost connection, and what ran then is dropped", async () => {
  const queue = await newQueue();
  const { deduplicator, seen } = guard();
  const work = gate();
  const handler = vi.fn(() => work.opened);
  const manager = managed();
  const channels: ConfirmChannel[] = [];
  const wrapper = manager.createChannel();
  await wrapper.addSetup(async (channel: ConfirmChannel) => {
    channels.push(channel);
    await rabbitConsume(deduplicator, channel, queue, handler);
  });
  await publish(queue, ["m-1"]);
  await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
  const acks = channels.map((channel) => vi.spyOn(channel, "ack"));
  cut(manager);
  await eventually(() => expect(channels).toHaveLength(2));
  work.open();
  await eventually(() => expect(seen.names()).toEqual(["processed", "duplicate"]));
  expect(handler).toHaveBeenCalledTimes(1);
  expect(acks[0]).not.toHaveBeenCalled();
  await publish(queue, ["m-1", "m-2"]);
  await eventually(() => expect(seen.outcomes).toHaveLength(4));
  expect(seen.count("processed")).toBe(2);
  await wrapper.close();
  expect(await drain(queue)).toEqual([]);
});

it("amqp-connection-manager: its ChannelWrapper is refused with the reason, before anything is consumed", async () => {
  const queue = await newQueue();
  const { deduplicator } = guard();
  const wrapper = managed().createChannel();
  await wrapper.waitForConnect();
  const call = () =>
    rabbitConsume(deduplicator, wrapper as unknown as ConfirmChannel, queue, async () => undefined);
  expect(call).toThrow(TypeError);
  expect(call).toThrow(/not a ChannelWrapper.*acks on whatever channel is open.*addSetup/);
  await expect(wrapper.checkQueue(queue)).resolves.toMatchObject({ consumerCount: 0 });
});
