import { randomBytes } from "node:crypto";
import { connect } from "amqplib";
import { Kafka, logLevel } from "kafkajs";
import { afterEach, describe, expect, inject, it } from "vitest";
import { Child } from "../children/child.js";
import type { OrdersSettings } from "../children/orders-main.js";
import type { PaymentsSettings } from "../children/payments-main.js";

const LEASE_MS = 2_000;
const POLICY = { ackTimeoutMs: 60_000, leaseMs: LEASE_MS, busyWaitMs: 5_000, windowMs: 120_000 };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function started(
  program: "payments" | "orders",
  settings: PaymentsSettings | OrdersSettings,
): Child {
  const child = new Child(program, settings);
  cleanups.push(() => child.kill());
  return child;
}

describe("a worker that is killed in the middle of its handler", () => {
  it("on RabbitMQ: its message runs again within max(lease, redelivery) + 2 s, and is never lost", async () => {
    const name = randomBytes(6).toString("hex");
    const amqpUrl = inject("amqpUrl");
    const connection = await connect(amqpUrl);
    cleanups.push(() => connection.close());
    const channel = await connection.createConfirmChannel();
    const queue = `kill-${name}`;
    await channel.assertQueue(queue, { durable: true });
    cleanups.push(() => channel.deleteQueue(queue));
    const settings = (holds: boolean): PaymentsSettings => ({
      amqpUrl,
      redisUrl: inject("redisUrl"),
      prefix: `t${name}:`,
      queue,
      policy: POLICY,
      holds,
    });
    const victim = started("payments", settings(true));
    await victim.heard("ready", 30_000);
    channel.sendToQueue(queue, Buffer.from("{}"), { messageId: "p1", persistent: true });
    await channel.waitForConfirms();
    await victim.heard("started", 10_000);
    const successor = started("payments", settings(false));
    await successor.heard("ready", 30_000);
    victim.signal("SIGKILL");
    const killedAtMs = nowMs();
    const again = await successor.heard("started", 20_000);
    expect(again).toMatchObject({ id: "p1", attempt: 1 });
    expect(again.atMs - killedAtMs).toBeLessThan(LEASE_MS + 2_000);
    expect(await successor.heard("outcome", 5_000)).toMatchObject({ outcome: "processed" });
    await expect
      .poll(async () => (await channel.checkQueue(queue)).messageCount, { timeout: 5_000 })
      .toBe(0);
  });

  it("on Kafka: its message runs again within session timeout + lease + maxWaitTimeInMs + 2 s, and is never lost", async () => {
    const name = randomBytes(6).toString("hex");
    const brokers = inject("kafkaBrokers").split(",");
    const topic = `kill-${name}`;
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    cleanups.push(() => admin.disconnect());
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    cleanups.push(() => admin.deleteTopics({ topics: [topic] }));
    const groupId = `group-${name}`;
    const sessionTimeoutMs = 6_000;
    const maxWaitTimeInMs = 500;
    const settings = (holds: boolean): OrdersSettings => ({
      brokers,
      redisUrl: inject("redisUrl"),
      prefix: `t${name}:`,
      topic,
      groupId,
      sessionTimeoutMs,
      maxWaitTimeInMs,
      policy: POLICY,
      holds,
    });
    const victim = started("orders", settings(true));
    await victim.heard("ready", 30_000);
    const producer = kafka.producer();
    await producer.connect();
    cleanups.push(() => producer.disconnect());
    await producer.send({ topic, messages: [{ key: "a", value: "{}", headers: { id: "o1" } }] });
    await victim.heard("started", 20_000);
    victim.signal("SIGKILL");
    const killedAtMs = nowMs();
    const successor = started("orders", settings(false));
    const again = await successor.heard("started", 40_000);
    expect(again).toMatchObject({ id: "o1", attempt: 1 });
    expect(again.atMs - killedAtMs).toBeLessThan(
      sessionTimeoutMs + LEASE_MS + maxWaitTimeInMs + 2_000,
    );
    expect(await successor.heard("outcome", 5_000)).toMatchObject({ outcome: "processed" });
    successor.signal("SIGTERM");
    await successor.exited();
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    expect(offsets?.partitions[0]?.offset).toBe("1");
  });
});
