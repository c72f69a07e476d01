import { expect, it, vi } from "vitest";
import { rabbitConsume } from "../src/index.js";
import { connected, drain, eventually, guard, newQueue, publish } from "./lab.js";

const nothing = async (): Promise<void> => undefined;

interface Socket {
  cork: unknown;
  readonly writableCorked: number;
}

it("acks that come together leave together, and the socket is let go", async () => {
  const queue = await newQueue();
  await publish(queue, { times: 64 });
  const guarded = guard();
  const connection = await connected();
  const { stream: socket } = connection.connection as unknown as { stream: Socket };
  const cork = vi.spyOn(socket as unknown as { cork(): void }, "cork");
  const channel = await connection.createChannel();
  const ack = vi.spyOn(channel, "ack");
  const consumer = await rabbitConsume(guarded.deduplicator, channel, queue, nothing);
  await eventually(() => expect(ack).toHaveBeenCalledTimes(64));
  await consumer.close();
  await eventually(() => expect(socket.writableCorked).toBe(0));
  expect(cork.mock.calls.length).toBeGreaterThan(0);
  expect(cork.mock.calls.length).toBeLessThan(64);
  await channel.close();
  expect(await drain(queue)).toEqual([]);
});

it("a channel that does not show its socket acks all the same", async () => {
  const queue = await newQueue();
  await publish(queue, { times: 8 });
  const guarded = guard();
  const connection = await connected();
  const { stream: socket } = connection.connection as unknown as { stream: Socket };
  Object.defineProperty(socket, "cork", { value: undefined });
  const channel = await connection.createChannel();
  const ack = vi.spyOn(channel, "ack");
  const consumer = await rabbitConsume(guarded.deduplicator, channel, queue, nothing);
  await eventually(() => expect(ack).toHaveBeenCalledTimes(8));
  await consumer.close();
  await channel.close();
  expect(await drain(queue)).toEqual([]);
});
