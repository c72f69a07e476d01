import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import type { Child } from "../children/child.js";
import { until } from "../servers/deadline.js";
import { startKafkaCluster } from "../servers/kafka-cluster.js";
import { type KafkaProcess, startKafka } from "../servers/kafka-process.js";
import { expectInvariants } from "./order-history.js";
import { LEASE_MS, OrdersGroup } from "./orders-group.js";

const SESSION_MS = 3_000;

describe("a Kafka broker that goes away in the middle of a handler", () => {
  let dir = "";
  let server: KafkaProcess | undefined;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "onlyonce-test-"));
    server = await startKafka({ dir });
  });

  afterAll(async () => {
    await server?.stop();
    await rm(dir, { recursive: true, maxRetries: 5 });
  });

  function running(): KafkaProcess {
    if (server === undefined) throw new Error("the broker did not start");
    return server;
  }

  /** A member in the middle of the first of three messages. */
  async function busy(context: TestContext): Promise<{ group: OrdersGroup; member: Child }> {
    const group = await OrdersGroup.open(context, { brokers: [running().endpoint] });
    await group.send(["o1", "o2", "o3"]);
    const member = group.member({ holds: true, sessionTimeoutMs: SESSION_MS });
    await member.heard("started", 40_000, "o1");
    return { group, member };
  }

  it("K8: frozen beyond session and lease costs no message and no second run", async (context) => {
    const { group, member } = await busy(context);
    running().pause();
    await delay(SESSION_MS + LEASE_MS + 1_000);
    member.say("finish");
    expect(await member.heard("outcome", 20_000, "o1")).toMatchObject({ outcome: "processed" });
    running().resume();
    await commitsAgain(group);
    expectInvariants(group, { restarts: true });
  });

  it("K8: killed and started again with its data costs no message and no second run", async (context) => {
    const { group, member } = await busy(context);
    await running().kill();
    member.say("finish");
    expect(await member.heard("outcome", 20_000, "o1")).toMatchObject({ outcome: "processed" });
    server = await startKafka({ dir, port: running().port });
    await commitsAgain(group);
    expectInvariants(group, { restarts: true });
  });

  it("K8: as the coordinator of the group, one of three, hands it to another broker without loss or second run", async (context) => {
    const cluster = await startKafkaCluster();
    context.onTestFinished(() => cluster.stop());
    const group = await OrdersGroup.open(context, { brokers: cluster.endpoints, replicas: 3 });
    await group.send(["o1", "o2", "o3"]);
    const member = group.member({ holds: true, sessionTimeoutMs: SESSION_MS });
    await member.heard("started", 40_000, "o1");
    const before = await coordinatorOf(group);
    await cluster.broker(before).kill();
    const after = await until(
      async () => {
        const now = await coordinatorOf(group);
        return now === before || now < 1 ? undefined : now;
      },
      { what: "The move of the coordinator", limitMs: 60_000 },
    );
    expect([1, 2, 3]).toContain(after);
    member.say("finish");
    await commitsAgain(group);
    expectInvariants(group, { restarts: true });
  });

  it("K8: as the leader of a partition, one of three, hands it to another broker without loss or second run", async (context) => {
    const cluster = await startKafkaCluster();
    context.onTestFinished(() => cluster.stop());
    const shape = { brokers: cluster.endpoints, replicas: 3, partitions: 3 };
    const group = await OrdersGroup.open(context, shape);
    const coordinator = await coordinatorOf(group);
    // Each broker leads one of the three.
    const leaders = await leadersOf(group, group.topic);
    const [partition, leader] = [...leaders].find(([, id]) => id !== coordinator) ?? [];
    if (partition === undefined || leader === undefined) throw new Error("no other broker leads");
    await group.send(["o1", "o2", "o3"], partition);
    const member = group.member({ holds: true, sessionTimeoutMs: SESSION_MS });
    await member.heard("started", 40_000, "o1");
    await cluster.broker(leader).kill();
    await until(
      async () => {
        const now = (await leadersOf(group, group.topic)).get(partition);
        return now === undefined || now < 1 || now === leader ? undefined : now;
      },
      { what: "The move of the leader", limitMs: 60_000 },
    );
    member.say("finish");
    await group.send(["o4"], partition);
    await group.caughtUp();
    expectInvariants(group, { restarts: true });
  });
});

/**
 * A commit that failed is not repeated by kafkajs by itself: its offsets are committed with the next record that is
 * resolved. Until then they would be read, and dropped as duplicates, after a restart.
 */
async function commitsAgain(group: OrdersGroup): Promise<void> {
  await group.send(["o4"]);
  await group.caughtUp();
}

/** The `node.id` of the broker that leads the group's partition of the offsets topic. */
async function coordinatorOf(group: OrdersGroup): Promise<number> {
  const leaders = await leadersOf(group, "__consumer_offsets");
  return leaders.get(Math.abs(hashCode(group.groupId)) % leaders.size) ?? -1;
}

/** The `node.id` of the leader of each partition of a topic. */
function leadersOf(group: OrdersGroup, topic: string): Promise<ReadonlyMap<number, number>> {
  return group.asAdmin(async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]?.partitions ?? [];
    return new Map(partitions.map(({ partitionId, leader }) => [partitionId, leader]));
  });
}

/** Of a string in Java, by which Kafka places groups. */
function hashCode(text: string): number {
  return [...text].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) | 0, 0);
}
