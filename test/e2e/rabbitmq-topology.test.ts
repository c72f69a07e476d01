import { type RabbitConsumer, rabbitConsume, setupRetryTopology } from "@onlyonce/rabbitmq";
import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  connected,
  drain,
  eventually,
  type Guard,
  guard,
  newQueue,
  privateBroker,
  publish,
  warnings,
} from "./rabbitmq-lab.js";

/** A quorum queue that deletes a message after 20 redeliveries, and its retry exchange. */
async function newTopology(delayMs = 50) {
  const queue = await newQueue({
    arguments: { "x-queue-type": "quorum", "x-delivery-limit": 20 },
  });
  const channel = await (await connected()).createChannel();
  const retry = await setupRetryTopology(channel, queue, { delaysMs: [delayMs] });
  onTestFinished(async () => {
    const cleaner = await (await connected()).createChannel();
    await cleaner.deleteExchange(retry.exchange);
    await cleaner.deleteQueue(`${retry.exchange}.${delayMs}`);
    await cleaner.deleteQueue(`${queue}.dead`);
  });
  return { queue, retry, channel };
}

type Topology = Awaited<ReturnType<typeof newTopology>>;

async function lasting(
  { deduplicator }: Guard,
  { queue, retry }: Topology,
  handler: (message: ConsumeMessage, context: { readonly attempt: number }) => Promise<void>,
) {
  const open = vi.fn(
    async (): Promise<ConfirmChannel> => (await connected()).createConfirmChannel(),
  );
  const options = { retry, retryDelayMs: () => 100 };
  const consumer: RabbitConsumer = await rabbitConsume(deduplicator, open, queue, handler, options);
  onTestFinished(() => consumer.close({ drainMs: 100 }));
  return { consumer, open };
}

describe("a retry exchange that is deleted while a consumer runs", () => {
  it("costs one channel and no message: from then on messages rest unacked, and a warning says what to do", async () => {
    const topology = await newTopology();
    const { queue, retry, channel } = topology;
    const guarded = guard();
    const told = warnings();
    const attempts: string[] = [];
    const { consumer, open } = await lasting(guarded, topology, async ({ properties }, context) => {
      attempts.push(`${properties.messageId} ${context.attempt}`);
      if (context.attempt < 5) throw new Error("card declined");
    });
    await channel.deleteExchange(retry.exchange);
    await publish(queue, ["m-1", "m-2"]);
    await eventually(() => expect(guarded.seen.count("processed")).toBe(2));
    expect(attempts.toSorted()).toEqual(
      ["m-1", "m-2"].flatMap((id) => [1, 2, 3, 4, 5].map((attempt) => `${id} ${attempt}`)),
    );
    expect(open).toHaveBeenCalledTimes(2);
    expect(told.filter((text) => text.includes("RETRY_EXCHANGE"))).toEqual([
      expect.stringMatching(/is gone.*setupRetryTopology/),
    ]);
    await consumer.close();
    expect(await drain(queue)).toEqual([]);
  });

  it("keeps poison on its queue: it runs no more and is not deleted", async () => {
    const topology = await newTopology();
    const { queue, retry, channel } = topology;
    const guarded = guard({ maxAttempts: 1 });
    warnings();
    const handler = vi.fn(async () => {
      throw new Error("card declined");
    });
    const { consumer, open } = await lasting(guarded, topology, handler);
    await channel.deleteExchange(retry.exchange);
    await publish(queue, ["m-1"]);
    await eventually(() => expect(open).toHaveBeenCalledTimes(2));
    await eventually(() => expect(guarded.seen.count("failed")).toBeGreaterThan(1));
    expect(guarded.seen.count("failed", "poison")).toBe(0);
    expect(handler).toHaveBeenCalledTimes(1);
    await consumer.close();
    expect(open).toHaveBeenCalledTimes(2);
    expect(await drain(queue)).toEqual(["m-1"]);
  });
});

it("a dead-letter queue that is deleted while a consumer runs keeps poison on its queue, and takes it when it is there again", async () => {
  const topology = await newTopology();
  const { queue, channel } = topology;
  const guarded = guard({ maxAttempts: 1 });
  warnings();
  const { consumer, open } = await lasting(guarded, topology, async () => {
    throw new Error("card declined");
  });
  await channel.deleteQueue(`${queue}.dead`);
  await publish(queue, ["m-1"]);
  await eventually(() => expect(guarded.seen.count("failed")).toBe(1));
  expect(guarded.seen.count("failed", "poison")).toBe(0);
  expect(open).toHaveBeenCalledTimes(1);
  await consumer.close();
  await setupRetryTopology(await (await connected()).createChannel(), queue, { delaysMs: [50] });
  await lasting(guarded, topology, async () => undefined);
  await eventually(() => expect(guarded.seen.count("failed", "poison")).toBe(1));
  expect(await drain(`${queue}.dead`)).toEqual(["m-1"]);
});

it("setupRetryTopology as a user who may not declare says what is missing, and nothing is missing once it is declared", async () => {
  const broker = await privateBroker();
  await broker.ctl(["add_user", "reader", "secret"]);
  await broker.ctl(["set_permissions", "reader", "^$", ".*", ".*"]);
  const queue = await newQueue({}, broker.url);
  const url = broker.url.replace("guest:guest", "reader:secret");
  const asReader = async () => (await connected(url)).createChannel();
  const refused = setupRetryTopology(await asReader(), queue);
  await expect(refused).rejects.toThrow(
    `exchange "${queue}.retry" is missing, differs, or may not`,
  );
  await expect(refused).rejects.toThrow("ACCESS_REFUSED");
  await expect(refused).rejects.toThrow(`Needed, all durable: direct exchange "${queue}.retry"; `);
  await expect(setupRetryTopology(await asReader(), queue, { declare: false })).rejects.toThrow(
    "NOT_FOUND",
  );
  const route = await setupRetryTopology(
    await (await connected(broker.url)).createChannel(),
    queue,
  );
  expect(await setupRetryTopology(await asReader(), queue, { declare: false })).toEqual(route);
});
