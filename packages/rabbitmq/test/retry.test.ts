import { memoryStore, PermanentError, type TopicPolicy } from "@onlyonce/core";
import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type RabbitConsumeOptions, rabbitConsume, setupRetryTopology } from "../src/index.js";
import {
  connected,
  consume,
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

const QUICK = { delaysMs: [50], retryDelayMs: () => 10 };
const PATIENT: TopicPolicy = { ackTimeoutMs: 60_000, leaseMs: 10_000 };

/** A queue with its retry topology; all of it is deleted when the test ends. */
async function newTopology(delaysMs: readonly number[] = QUICK.delaysMs) {
  const queue = await newQueue();
  const connection = await connected();
  const channel = await connection.createConfirmChannel();
  const retry = await setupRetryTopology(channel, queue, { delaysMs });
  onTestFinished(async () => {
    const cleaner = await (await connected()).createChannel();
    await cleaner.deleteExchange(retry.exchange);
    for (const delayMs of delaysMs) await cleaner.deleteQueue(`${retry.exchange}.${delayMs}`);
    await cleaner.deleteQueue(`${queue}.dead`);
  });
  return { queue, connection, channel, retry };
}

type Topology = Awaited<ReturnType<typeof newTopology>>;

async function start(
  { deduplicator }: Guard,
  { channel, queue, retry }: Topology,
  handler: Handler,
  options: RabbitConsumeOptions<ConsumeMessage> = {},
) {
  const { retryDelayMs } = QUICK;
  const consumer = await rabbitConsume(deduplicator, channel, queue, handler, {
    retry,
    retryDelayMs,
    ...options,
  });
  onTestFinished(() => consumer.close({ drainMs: 100 }));
  return consumer;
}

/** Calls `before` when the broker has confirmed a copy, before the consumer hears of it; its answer is told instead. */
function onConfirm(channel: ConfirmChannel, before: () => unknown): void {
  const real = channel.publish.bind(channel);
  channel.publish = (exchange, key, content, options, confirmed) =>
    real(exchange, key, content, options, (error, ok) => {
      const told = async (): Promise<void> => confirmed?.((await before()) ?? error, ok);
      void told();
    });
}

function failing(times: number): ReturnType<typeof vi.fn<Handler>> {
  return vi.fn<Handler>(async (_message, { attempt }) => {
    if (attempt <= times) throw new Error("card declined");
  });
}

it("a failed message rests at the broker, so that even a prefetch of 1 goes on meanwhile", async () => {
  const topology = await newTopology([1_000]);
  const guarded = guard(PATIENT);
  const order: string[] = [];
  const consumer = await start(
    guarded,
    topology,
    async ({ properties }, { attempt }) => {
      order.push(`${properties.messageId} ${attempt}`);
      if (properties.messageId === "m-1" && attempt === 1) throw new Error("card declined");
    },
    { prefetch: 1 },
  );
  await publish(topology.queue, { messageId: "m-1" });
  await publish(topology.queue, { messageId: "m-2" });
  await eventually(() => expect(order).toEqual(["m-1 1", "m-2 1", "m-1 2"]));
  await eventually(() => expect(guarded.seen.count("processed")).toBe(2));
  await consumer.close();
  await topology.channel.close();
  expect(await drain(topology.queue)).toEqual([]);
});

it("behaviour 74: a message that comes back keeps body, id, properties and headers", async () => {
  const topology = await newTopology();
  const guarded = guard(PATIENT);
  const seen: ConsumeMessage[] = [];
  await start(guarded, topology, async (message, { attempt }) => {
    seen.push(message);
    if (attempt === 1) throw new Error("card declined");
  });
  await publish(topology.queue, {
    messageId: "m-1",
    body: '{"a":1}',
    correlationId: "c-1",
    replyTo: "answers",
    contentType: "application/json",
    priority: 3,
    headers: { tenant: "blue", nested: { list: [1, "two"] } },
  });
  await eventually(() => expect(guarded.seen.names()).toEqual(["failed", "processed"]));
  const [first, second] = seen;
  expect(second?.content).toEqual(first?.content);
  expect(second?.properties).toMatchObject({
    messageId: "m-1",
    correlationId: "c-1",
    replyTo: "answers",
    contentType: "application/json",
    priority: 3,
    headers: { tenant: "blue", nested: { list: [1, "two"] } },
  });
});

it("attempts are counted in the store over all copies, and poison goes to the dead-letter queue; moved back, it runs again", async () => {
  const topology = await newTopology();
  const { queue } = topology;
  const guarded = guard({ ...PATIENT, maxAttempts: 3 });
  let isMended = false;
  const handler = vi.fn<Handler>(async () => {
    if (!isMended) throw new Error("card declined");
  });
  await start(guarded, topology, handler);
  await publish(queue, { messageId: "m-1" });
  await eventually(() =>
    expect(guarded.seen.names()).toEqual(["failed", "failed", "failed:poison"]),
  );
  expect(guarded.seen.outcomes.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(await drain(`${queue}.dead`)).toEqual(["m-1"]);
  isMended = true;
  await publish(queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.names().at(-1)).toBe("processed"));
});

it("a dead-letter target of the options goes before that of the retry exchange", async () => {
  const topology = await newTopology();
  const guarded = guard(PATIENT);
  const deadLetter = vi.fn(async () => undefined);
  const refuse = async (): Promise<void> => {
    throw new PermanentError("no such account");
  };
  await start(guarded, topology, refuse, { deadLetter });
  await publish(topology.queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.outcomes[0]?.detail).toBe("poison"));
  expect(deadLetter).toHaveBeenCalledTimes(1);
  expect(await drain(`${topology.queue}.dead`)).toEqual([]);
});

it("behaviour 34: a key that is busy for long rests at the broker, too", async () => {
  const topology = await newTopology();
  const store = memoryStore();
  const policy = { ackTimeoutMs: 60_000, leaseMs: 250, busyWaitMs: 50 };
  const work = gate();
  const owner = guard(policy, store);
  const working = owner.deduplicator.process(
    { topic: topology.queue, id: "m-1" },
    () => work.opened,
  );
  const guarded = guard(policy, store);
  const handler = vi.fn<Handler>(async () => undefined);
  await eventually(() =>
    expect(owner.deduplicator.inspect({ topic: topology.queue, id: "m-1" })).resolves.toBeDefined(),
  );
  await start(guarded, topology, handler);
  const nack = vi.spyOn(topology.channel, "nack");
  await publish(topology.queue, { messageId: "m-1" });
  await eventually(() => expect(guarded.seen.count("busy")).toBe(2));
  work.open();
  await working;
  await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
  expect(handler).not.toHaveBeenCalled();
  expect(nack).not.toHaveBeenCalled();
});

describe("a message is never acked before its copy is safe", () => {
  it("while the broker has not confirmed the copy, the message stays unacked", async () => {
    const topology = await newTopology();
    const guarded = guard(PATIENT);
    const confirmation = gate();
    const confirmed = vi.fn(() => confirmation.opened);
    onConfirm(topology.channel, confirmed);
    const ack = vi.spyOn(topology.channel, "ack");
    await start(guarded, topology, failing(1), { prefetch: 1 });
    await publish(topology.queue, { messageId: "m-1" });
    await eventually(() => expect(confirmed).toHaveBeenCalledTimes(1));
    expect(ack).not.toHaveBeenCalled();
    confirmation.open();
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed", "processed"]));
    await eventually(() => expect(ack).toHaveBeenCalledTimes(2));
  });

  it("a copy that the broker refuses is none: the message rests here, and nothing is lost or done twice", async () => {
    const topology = await newTopology();
    const guarded = guard(PATIENT);
    const told = warnings();
    onConfirm(topology.channel, () => new Error("message nacked"));
    const handler = failing(1);
    await start(guarded, topology, handler);
    await publish(topology.queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.count("processed")).toBe(1));
    // The copy did arrive, whatever the confirm said.
    await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
    expect(handler).toHaveBeenCalledTimes(2);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("ONLYONCE_AMQP_RETRY_EXCHANGE");
    expect(told[0]).toContain("message nacked");
  });

  it("an exchange without the route returns the copy: the message rests here", async () => {
    const topology = await newTopology();
    const { channel, queue, retry } = topology;
    await channel.unbindQueue(`${retry.exchange}.50`, retry.exchange, "50");
    const guarded = guard(PATIENT);
    const told = warnings();
    await start(guarded, topology, failing(1));
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.names()).toEqual(["failed", "processed"]));
    expect(told[0]).toContain('has no route for "50"');
  });

  it("a connection that is lost after the copy and before the ack leaves a duplicate, which is dropped", async () => {
    const topology = await newTopology();
    const { connection, channel, queue } = topology;
    const guarded = guard(PATIENT);
    const handler = failing(1);
    onConfirm(channel, () => {
      cut(connection);
      return new Error("the confirm was lost");
    });
    warnings();
    await start(guarded, topology, handler);
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
    const { consumer } = await consume(guarded, queue, handler);
    await eventually(() => expect(guarded.seen.count("duplicate")).toBe(1));
    expect(guarded.seen.count("processed")).toBe(1);
    expect(handler).toHaveBeenCalledTimes(2);
    await consumer.close();
  });

  it("poison whose copy is not confirmed stays on the queue", async () => {
    const topology = await newTopology();
    const { channel, queue } = topology;
    await channel.unbindQueue(`${queue}.dead`, topology.retry.exchange, "dead");
    const guarded = guard(PATIENT);
    const ack = vi.spyOn(channel, "ack");
    const consumer = await start(guarded, { ...topology, retry: topology.retry }, async () => {
      throw new PermanentError("no such account");
    });
    await publish(queue, { messageId: "m-1" });
    await eventually(() => expect(guarded.seen.incidents.at(0)?.kind).toBe("dead_letter_failed"));
    await eventually(() => expect(ack).toHaveBeenCalled());
    await consumer.close();
    await channel.close();
    // It rests at the longest delay and comes back.
    await eventually(async () => expect(await drain(queue)).toEqual(["m-1"]));
  });
});

it("a channel without confirms is refused", async () => {
  const channel = await (await connected()).createChannel();
  const retry = { exchange: "payments.retry", delaysMs: [1_000] };
  expect(() =>
    rabbitConsume(guard().deduplicator, channel, "payments", async () => undefined, { retry }),
  ).toThrow("options.retry needs a confirm channel");
});
