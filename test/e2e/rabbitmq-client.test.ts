import { coordinates, jsonCodec, memoryStore, PermanentError } from "@onlyonce/core";
import { type RabbitClientOptions, rabbitClientConsume } from "@onlyonce/rabbitmq";
import { type AsyncMessage, Connection } from "rabbitmq-client";
import { describe, expect, inject, it, onTestFinished, vi } from "vitest";
import {
  drain,
  eventually,
  type Guard,
  gate,
  guard,
  newQueue,
  publish,
  warnings,
} from "./rabbitmq-lab.js";

type Options = RabbitClientOptions<AsyncMessage>;
type Handler = (message: AsyncMessage, context: { readonly attempt: number }) => Promise<void>;

const soon = { retryDelayMs: () => 20 };

function connection(): Connection {
  const client = new Connection({ url: inject("amqpUrl"), retryLow: 50, retryHigh: 200 });
  client.on("error", () => undefined);
  onTestFinished(() => client.close());
  return client;
}

/** Loses the connection as a broken network does. */
function cut(client: Connection): void {
  const socket = Reflect.get(client, "_socket") as { destroy(error: Error): void };
  socket.destroy(new Error("the network is gone"));
}

async function consume(
  { deduplicator }: Guard,
  queue: string,
  handler: Handler,
  options: Options = {},
) {
  const client = connection();
  const consumer = await rabbitClientConsume(deduplicator, client, queue, handler, options);
  onTestFinished(() => consumer.close({ drainMs: 100 }));
  return { client, consumer };
}

async function fail(): Promise<never> {
  throw new Error("card declined");
}

it("rabbitmq-client: a message runs once and its duplicates are acked; a key may be a field of the parsed body", async () => {
  const queue = await newQueue();
  const guarded = guard({ key: ({ payload }) => Reflect.get(Object(payload), "id") as string });
  const bodies: unknown[] = [];
  const { consumer } = await consume(guarded, queue, async ({ body }) => void bodies.push(body));
  expect(consumer.consumerTag).not.toBe("");
  await publish(queue, ["m-1", "m-1", "m-2", "m-1"]);
  await eventually(() => expect(guarded.seen.outcomes).toHaveLength(4));
  expect(bodies).toEqual([{ id: "m-1" }, { id: "m-2" }]);
  expect(guarded.seen.count("duplicate")).toBe(2);
  expect(guarded.seen.outcomes[0]?.delivery.transport).toMatchObject({
    destination: queue,
    exchange: "",
    routingKey: queue,
  });
  await consumer.close();
  expect(await drain(queue)).toEqual([]);
});

describe("rabbitmq-client: a handler that throws", () => {
  it("gets its message back after a rest, counted in the store; poison is dropped to the dead-letter exchange", async () => {
    const parked = await newQueue();
    const queue = await newQueue({ deadLetterExchange: "", deadLetterRoutingKey: parked });
    const guarded = guard({ maxAttempts: 3 });
    const attempts: number[] = [];
    const { consumer } = await consume(
      guarded,
      queue,
      async (_, { attempt }) => {
        attempts.push(attempt);
        await fail();
      },
      { ...soon, deadLetterExchange: true },
    );
    await publish(queue, ["m-1"]);
    await eventually(() =>
      expect(guarded.seen.names()).toEqual(["failed", "failed", "failed:poison"]),
    );
    expect(attempts).toEqual([1, 2, 3]);
    await eventually(async () => expect(await drain(parked)).toEqual(["m-1"]));
    await consumer.close();
    expect(await drain(queue)).toEqual([]);
  });

  it("has its poison taken by a function, which gets the client's own message", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const deadLetter = vi.fn(async (_message: AsyncMessage) => undefined);
    const { consumer } = await consume(
      guarded,
      queue,
      async () => {
        throw new PermanentError("no such account");
      },
      { deadLetter },
    );
    await publish(queue, ["m-1"]);
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed:poison"]));
    expect(deadLetter.mock.calls[0]?.[0]).toMatchObject({ messageId: "m-1", body: { id: "m-1" } });
    await consumer.close();
    expect(await drain(queue)).toEqual([]);
  });
});

it("rabbitmq-client: a key that is busy elsewhere is held unacked, and dropped once its owner is done", async () => {
  const queue = await newQueue();
  const store = memoryStore();
  const owner = guard({}, store);
  const work = gate();
  const owning = owner.deduplicator.process({ topic: queue, id: "m-1" }, () => work.opened);
  const guarded = guard({}, store);
  const handler = vi.fn(async () => undefined);
  const { consumer } = await consume(guarded, queue, handler);
  await publish(queue, ["m-1", "m-2"]);
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed"]));
  work.open();
  await owning;
  await eventually(() => expect(guarded.seen.names()).toEqual(["processed", "duplicate"]));
  expect(handler).toHaveBeenCalledTimes(1);
  await consumer.close();
  expect(await drain(queue)).toEqual([]);
});

describe("rabbitmq-client: a connection that is lost", () => {
  it("while a handler runs: it finishes and is recorded, its redelivery is dropped, and consuming goes on", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const told = warnings();
    const work = gate();
    const handler = vi.fn(() => work.opened);
    const { client } = await consume(guarded, queue, handler);
    await publish(queue, ["m-1"]);
    await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
    cut(client);
    work.open();
    await eventually(() => expect(guarded.seen.names()).toEqual(["processed", "duplicate"]));
    expect(guarded.seen.outcomes[1]?.delivery.redelivered).toBe(true);
    await publish(queue, ["m-2"]);
    await eventually(() => expect(guarded.seen.count("processed")).toBe(2));
    expect(handler).toHaveBeenCalledTimes(2);
    expect(told.filter((text) => text.includes("FOREIGN_ACK"))).toEqual([]);
  });

  it("while messages wait or rest: they let go, so that the client can consume again", async () => {
    const queue = await newQueue();
    const store = memoryStore();
    const long = { ackTimeoutMs: 1_800_000, leaseMs: 120_000 };
    const work = gate();
    void guard(long, store).deduplicator.process({ topic: queue, id: "busy" }, () => work.opened);
    const guarded = guard(long, store);
    warnings();
    const seen: string[] = [];
    const { client } = await consume(
      guarded,
      queue,
      async ({ messageId, redelivered }) => {
        seen.push(`${messageId} ${redelivered}`);
        if (!redelivered) await fail();
      },
      { retryDelayMs: () => 600_000 },
    );
    await publish(queue, ["busy", "failing"]);
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed"]));
    cut(client);
    await eventually(() => expect(seen).toEqual(["failing false", "failing true"]));
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed", "processed"]));
  });
});

describe("rabbitmq-client: close()", () => {
  it("lets running handlers finish and be acked, and hands back what waits", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const work = gate();
    const { consumer } = await consume(
      guarded,
      queue,
      async ({ messageId }) => (messageId === "m-1" ? work.opened : fail()),
      { retryDelayMs: () => 600_000 },
    );
    await publish(queue, ["m-1", "m-2"]);
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed"]));
    const closing = consumer.close();
    work.open();
    await closing;
    await consumer.close();
    expect(guarded.seen.names()).toEqual(["failed", "processed"]);
    expect(await drain(queue)).toEqual(["m-2"]);
  });

  it("gives up on a handler that outlives drainMs", async () => {
    const queue = await newQueue();
    const guarded = guard();
    const work = gate();
    const handler = vi.fn(() => work.opened);
    const { consumer } = await consume(guarded, queue, handler);
    await publish(queue, ["m-1"]);
    await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
    await consumer.close({ drainMs: 50 });
    expect(guarded.seen.names()).toEqual([]);
    work.open();
    await eventually(async () => expect(await drain(queue)).toEqual([]));
    expect(guarded.seen.names()).toEqual(["processed"]);
  });
});

it("rabbitmq-client: a message of a stream is known by its offset, and retried in place", async () => {
  const stream = await newQueue({ arguments: { "x-queue-type": "stream" } });
  const guarded = guard({ key: coordinates() });
  await publish(stream, ["m-1", "m-1"]);
  const first = { arguments: { "x-stream-offset": "first" } };
  await consume(
    guarded,
    stream,
    async ({ deliveryTag }, { attempt }) => {
      if (deliveryTag === 2 && attempt === 1) await fail();
    },
    { ...soon, prefetch: 1, consume: first },
  );
  await eventually(() =>
    expect(guarded.seen.names()).toEqual(["processed", "failed", "processed"]),
  );
  expect(guarded.seen.outcomes.map(({ delivery }) => delivery.coordinates)).toEqual([
    `${stream}@0`,
    `${stream}@1`,
    `${stream}@1`,
  ]);
});

describe("rabbitmq-client: what is wrong from the start is told at once", () => {
  it("no such queue", async () => {
    const { deduplicator } = guard();
    const consuming = rabbitClientConsume(deduplicator, connection(), "onlyonce-no-such", fail);
    await expect(consuming).rejects.toThrow("NOT_FOUND");
  });

  it.each([
    [{ noAck: true }, "options.noAck is refused"],
    [{ retry: { exchange: "r", delaysMs: [1] } }, "options.retry is for amqplib"],
    [{ replay: jsonCodec() }, "options.replay is for amqplib"],
    [{ onCancel: () => undefined }, "options.onCancel is for amqplib"],
    [{ prefetch: 0 }, "options.prefetch must be"],
    [{ concurrency: 3 }, "concurrency"],
  ])("options %o", (options, message) => {
    const { deduplicator } = guard();
    const call = () =>
      rabbitClientConsume(deduplicator, connection(), "payments", fail, options as Options);
    expect(call).toThrow(message);
  });

  it("a connection of another client, a queue without a name, a handler that is none", () => {
    const { deduplicator } = guard();
    const call = (...given: readonly unknown[]) =>
      Reflect.apply(rabbitClientConsume, undefined, [deduplicator, ...given]);
    expect(() => call({}, "q", fail)).toThrow("connection must be a Connection of rabbitmq-client");
    expect(() => call(connection(), "", fail)).toThrow("queue must be a non-empty string");
    expect(() => call(connection(), "q", "handler")).toThrow("handler must be a function");
  });
});
