import { randomUUID } from "node:crypto";
import {
  createDeduplicator,
  type Deduplicator,
  memoryStore,
  type Store,
  type TopicPolicy,
} from "@onlyonce/core";
import { RecordingObserver } from "@onlyonce/testing";
import { type ChannelModel, connect, type Options } from "amqplib";
import { inject, onTestFinished, vi } from "vitest";
import {
  type RabbitmqProcess,
  type RabbitmqProcessOptions,
  startRabbitmq,
} from "../servers/rabbitmq-process.js";

/** A broker of the test's own. Stopped when the test ends. */
export async function privateBroker(
  options: RabbitmqProcessOptions = {},
): Promise<RabbitmqProcess> {
  const installation = inject("rabbitmqInstallation");
  const broker = await startRabbitmq({ ...(installation && { installation }), ...options });
  onTestFinished(() => broker.stop());
  return broker;
}

export interface Guard {
  readonly deduplicator: Deduplicator;
  readonly seen: RecordingObserver;
}

/** A deduplicator as one process would have it. Give two the same store and they guard together. */
export function guard(policy: TopicPolicy = {}, store: Store = memoryStore()): Guard {
  const seen = new RecordingObserver();
  const deduplicator = createDeduplicator({
    store,
    scope: "billing",
    defaults: { ackTimeoutMs: 60_000, leaseMs: 10_000, ...policy },
    observers: [seen],
  });
  onTestFinished(() => deduplicator.close({ drainMs: 100 }));
  return { deduplicator, seen };
}

/** A connection that may be lost, and is closed when the test ends. */
export async function connected(url: string = inject("amqpUrl")): Promise<ChannelModel> {
  const connection = await connect(url);
  connection.on("error", () => undefined);
  onTestFinished(() => connection.close().catch(() => undefined));
  return connection;
}

/** A durable queue of its own, deleted when the test ends. */
export async function newQueue(
  options: Options.AssertQueue = {},
  url: string = inject("amqpUrl"),
): Promise<string> {
  const name = `onlyonce-test-${randomUUID()}`;
  const channel = await (await connected(url)).createChannel();
  await channel.assertQueue(name, { durable: true, ...options });
  onTestFinished(async () => {
    const cleaner = await connect(url).catch(() => undefined);
    await (await cleaner?.createChannel())?.deleteQueue(name);
    await cleaner?.close();
  });
  return name;
}

/** Publishes messages of these ids to a queue; resolves when the broker has them. */
export async function publish(
  queue: string,
  messageIds: readonly string[],
  url: string = inject("amqpUrl"),
): Promise<void> {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  for (const messageId of messageIds) {
    const content = Buffer.from(JSON.stringify({ id: messageId }));
    const persistent = true;
    channel.sendToQueue(queue, content, {
      messageId,
      contentType: "application/json",
      persistent,
    });
  }
  await channel.waitForConfirms();
  await connection.close();
}

/** The ids of the messages that a queue still has. Removes them. Nobody may be consuming. */
export async function drain(queue: string, url: string = inject("amqpUrl")): Promise<string[]> {
  const last = randomUUID();
  await publish(queue, [last], url);
  const connection = await connect(url);
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

/** Waits until the assertions of `check` hold, for at most 30 s. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 30_000, interval: 20 });
}

/** A promise that the test resolves; otherwise its end does. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  onTestFinished(() => open());
  return { opened, open };
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
