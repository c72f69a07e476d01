import { randomBytes } from "node:crypto";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import { type Channel, connect } from "amqplib";
import { expect, inject, it, onTestFinished, vi } from "vitest";
import { Child } from "../children/child.js";
import type { PaymentsSettings } from "../children/payments-main.js";
import { connected, drain, eventually, gate, guard, newQueue, publish } from "./rabbitmq-lab.js";

const POLICY = { ackTimeoutMs: 300_000, leaseMs: 60_000, busyWaitMs: 100_000, windowMs: 600_000 };

/** Consumers in processes of their own, which share a Redis. */
async function processes(query = "") {
  const queue = await newQueue();
  const settings: Omit<PaymentsSettings, "holds"> = {
    amqpUrl: `${inject("amqpUrl")}${query}`,
    redisUrl: inject("redisUrl"),
    prefix: `t${randomBytes(6).toString("hex")}:`,
    queue,
    policy: POLICY,
  };
  const start = async (holds: boolean): Promise<Child> => {
    const child = new Child("payments", { ...settings, holds });
    onTestFinished(async () => void (await child.kill()));
    await child.heard("ready", 30_000);
    return child;
  };
  return { queue, start };
}

it("R2: a socket that is destroyed in mid-handler, with amqplib's recovery on: no foreign ack, and what was done is dropped", async () => {
  const queue = await newQueue();
  const { deduplicator, seen } = guard();
  const connection = await connect(inject("amqpUrl"), { recovery: { initialDelay: 50 } });
  connection.on("error", () => undefined);
  onTestFinished(() => connection.close());
  const work = gate();
  const handler = vi.fn(() => work.opened);
  const channels: Channel[] = [];
  const closed = vi.fn();
  const open = async (): Promise<Channel> => {
    const channel = await connection.createChannel();
    channel.on("error", closed);
    channels.push(channel);
    return channel;
  };
  const consumer = await rabbitConsume(deduplicator, open, queue, handler);
  onTestFinished(() => consumer.close({ drainMs: 100 }));
  await publish(queue, ["m-1"]);
  await eventually(() => expect(handler).toHaveBeenCalledTimes(1));
  const { stream } = Object(channels[0]?.connection) as {
    stream: { destroy(error: Error): void };
  };
  stream.destroy(new Error("the network is gone"));
  await eventually(() => expect(channels).toHaveLength(2));
  work.open();
  await eventually(() => expect(seen.names()).toEqual(["processed", "duplicate"]));
  await publish(queue, ["m-2"]);
  await eventually(() => expect(seen.count("processed")).toBe(2));
  expect(handler).toHaveBeenCalledTimes(2);
  expect(closed).not.toHaveBeenCalled();
  await consumer.close();
  expect(await drain(queue)).toEqual([]);
});

it("R4: a process that is frozen for longer than the heartbeat, but not the lease, is still the one that does its work", async () => {
  const { queue, start } = await processes("?heartbeat=2");
  const frozen = await start(true);
  await publish(queue, ["p-1"]);
  await frozen.heard("started", 20_000);
  const other = await start(false);
  frozen.signal("SIGSTOP");
  const looking = await (await connected()).createChannel();
  // The broker has missed its heartbeats and taken its message back.
  await eventually(async () =>
    expect(await looking.checkQueue(queue)).toMatchObject({ consumerCount: 1 }),
  );
  frozen.signal("SIGCONT");
  frozen.say("finish");
  expect(await frozen.heard("outcome", 20_000)).toMatchObject({ outcome: "processed" });
  expect(await other.heard("outcome", 20_000)).toMatchObject({ outcome: "duplicate" });
  expect(other.messages.filter(({ event }) => event === "started")).toEqual([]);
  await eventually(async () =>
    expect(await looking.checkQueue(queue)).toMatchObject({ messageCount: 0 }),
  );
});

it("R9: SIGTERM in mid-handler drains: the work is recorded and acked, and nothing is delivered again", async () => {
  const { queue, start } = await processes();
  const first = await start(true);
  await publish(queue, ["p-1"]);
  await first.heard("started", 20_000);
  const other = await start(false);
  first.signal("SIGTERM");
  first.say("finish");
  await first.exited();
  expect(first.exitCode).toBe(0);
  expect(first.messages.map(({ event, outcome }) => outcome ?? event)).toEqual([
    "ready",
    "started",
    "finished",
    "processed",
  ]);
  await publish(queue, ["p-2"]);
  expect(await other.heard("outcome", 20_000)).toMatchObject({ id: "p-2", outcome: "processed" });
  other.signal("SIGTERM");
  await other.exited();
  expect(other.messages.filter(({ event }) => event === "outcome")).toHaveLength(1);
  expect(await drain(queue)).toEqual([]);
});
