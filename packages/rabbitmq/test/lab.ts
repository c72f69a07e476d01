import { randomUUID } from "node:crypto";
import {
  type Context,
  createDeduplicator,
  type Deduplicator,
  memoryStore,
  type Store,
  type TopicPolicy,
} from "@onlyonce/core";
import { RecordingObserver } from "@onlyonce/testing";
import {
  type Channel,
  type ChannelModel,
  type ConsumeMessage,
  connect,
  type Options,
} from "amqplib";
import { inject, onTestFinished, vi } from "vitest";
import { type RabbitConsumeOptions, type RabbitConsumer, rabbitConsume } from "../src/index.js";

/** Times short enough for tests: a lease of 1 s, a broker that is thought to wait for 4 s. */
const SHORT: TopicPolicy = { ackTimeoutMs: 4_000, leaseMs: 1_000, busyWaitMs: 200 };

export type Handler = (message: ConsumeMessage, context: Context) => Promise<void>;

export interface Guard {
  readonly deduplicator: Deduplicator;
  readonly seen: RecordingObserver;
}

export interface Consumption {
  readonly consumer: RabbitConsumer;
  readonly channel: Channel;
}

/** A deduplicator as one process would have it. Give two the same store and they guard together. */
export function guard(
  policy: TopicPolicy = {},
  store: Store = memoryStore(),
  scope = "billing",
): Guard {
  const seen = new RecordingObserver();
  const deduplicator = createDeduplicator({
    store,
    scope,
    defaults: { ...SHORT, ...policy },
    observers: [seen],
  });
  onTestFinished(() => deduplicator.close({ drainMs: 100 }));
  return { deduplicator, seen };
}

/** A connection to the broker that is closed when the test ends. */
export async function connected(): Promise<ChannelModel> {
  const connection = await connect(inject("amqpUrl"));
  connection.on("error", () => undefined);
  let isOpen = true;
  connection.once("close", () => {
    isOpen = false;
  });
  onTestFinished(async () => {
    if (isOpen) await connection.close();
  });
  return connection;
}

/** Loses a connection as a broken network does. */
export function cut(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: { destroy(e: Error): void } };
  stream.destroy(new Error("the network is gone"));
}

/** A queue of its own, deleted when the test ends. */
export async function newQueue(options: Options.AssertQueue = {}): Promise<string> {
  const connection = await connected();
  const channel = await connection.createChannel();
  const name = `onlyonce-test-${randomUUID()}`;
  await channel.assertQueue(name, { durable: true, ...options });
  await channel.close();
  onTestFinished(async () => {
    const cleaner = await connect(inject("amqpUrl"));
    const deleting = await cleaner.createChannel();
    await deleting.deleteQueue(name);
    await cleaner.close();
  });
  return name;
}

export interface Publication extends Options.Publish {
  readonly times?: number;
  readonly body?: string;
}

/** Publishes to a queue; resolves when the broker has the messages. */
export async function publish(queue: string, publication: Publication = {}): Promise<void> {
  const { times = 1, body = "{}", ...properties } = publication;
  const connection = await connect(inject("amqpUrl"));
  const channel = await connection.createConfirmChannel();
  for (let sent = 0; sent < times; sent += 1) {
    channel.sendToQueue(queue, Buffer.from(body), properties);
  }
  await channel.waitForConfirms();
  await connection.close();
}

/** Starts a guarded consumer on a channel and a connection of its own, as another process would. */
export async function consume(
  { deduplicator }: Guard,
  queue: string,
  handler: Handler,
  options: RabbitConsumeOptions<ConsumeMessage> = {},
): Promise<Consumption> {
  const channel = await (await connected()).createChannel();
  const consumer = await rabbitConsume(deduplicator, channel, queue, handler, options);
  onTestFinished(() => consumer.close({ drainMs: 100 }));
  return { consumer, channel };
}

/** The ids of the messages that the broker still has, in order. Removes them. Nobody may be consuming. */
export async function drain(queue: string): Promise<string[]> {
  const last = randomUUID();
  await publish(queue, { messageId: last });
  const connection = await connect(inject("amqpUrl"));
  const channel = await connection.createChannel();
  const ids: string[] = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (message === false) throw new Error("the last message is gone");
    if (message.properties.messageId === last) break;
    ids.push(String(message.properties.messageId));
  }
  await connection.close();
  return ids;
}

/** Ends a consumption as a tidy process does; what it did not ack is back on the queue then. */
export async function end({ consumer, channel }: Consumption): Promise<void> {
  await consumer.close();
  await channel.close();
}

/** Waits until the assertions of `check` hold, for at most 20 s. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 20_000, interval: 20 });
}

/** A promise that the test resolves or rejects. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
  fail(error: Error): void;
}

export function gate(): Gate {
  let open = (): void => undefined;
  let fail = (_error: Error): void => undefined;
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  opened.catch(() => undefined);
  return { opened, open, fail };
}

/** The process warnings of this library from now on. */
export function warnings(): string[] {
  const seen: string[] = [];
  const listen = (warning: Error & { code?: string }): void => {
    if (warning.name === "OnlyOnceWarning") seen.push(`${warning.code}: ${warning.message}`);
  };
  process.on("warning", listen);
  onTestFinished(() => {
    process.off("warning", listen);
  });
  return seen;
}
