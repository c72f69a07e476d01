import type { Message } from "kafkajs";
import { describe, expect, it, type TestContext } from "vitest";
import { expectInvariants } from "./order-history.js";
import { LEASE_MS, OrdersGroup } from "./orders-group.js";

const POLICY = { ackTimeoutMs: 60_000, leaseMs: LEASE_MS, busyWaitMs: 5_000, windowMs: 300_000 };

describe.concurrent("Kafka records", () => {
  it("K10: of every shape reach the end of the topic: null keys, tombstones, repeated, empty and missing headers, aborted transactions, control records", async (context) => {
    const group = await OrdersGroup.open(context);
    const member = group.member();
    const odd: readonly Message[] = [
      { key: null, value: "null key", headers: { id: "o1" } },
      { key: "account-7", value: null, headers: { id: "o2" } },
      { key: null, value: null },
      { key: "account-7", value: "no headers" },
      { key: null, value: "repeated", headers: { id: ["o3", "o4"] } },
      { key: null, value: "empty", headers: { id: "" } },
      { key: null, value: "again", headers: { id: "o1" } },
    ];
    await group.append(odd, ["o1", "o2", "tombstone", "no headers", "o3,o4", "", "o1"]);
    await inTransaction(group, context, "o5", "commit");
    await inTransaction(group, context, "never", "abort");
    await member.heard("finished", 60_000, "o5");
    // What follows an abort: its control record is the last one that was there.
    await group.send(["o6"]);
    await group.caughtUp();
    expect(member.of("started", "never")).toEqual([]);
    const outcomes = member.of("outcome").map(({ outcome }) => outcome);
    expect(outcomes.filter((one) => one === "duplicate")).toHaveLength(1);
    expect(outcomes.filter((one) => one === "unprotected:key_missing")).toHaveLength(3);
    expectInvariants(group);
  });

  it("K11: whose handler throws a TypeError are tried again, sent to the dead-letter topic as they were, and stop nobody", async (context) => {
    const group = await OrdersGroup.open(context);
    const deadLetterTopic = await group.createDeadLetterTopic();
    const timestamp = String(Date.now() - 60_000);
    const bad = { key: "account-7", value: "order o1", headers: { id: "o1", twice: ["1", "2"] } };
    await group.append([{ ...bad, timestamp }], []);
    await group.send(["o2"]);
    const member = group.member({
      rejections: { o1: 99 },
      rejectsWith: "TypeError",
      retryDelayMs: 100,
      policy: { ...POLICY, maxAttempts: 3 },
      deadLetterTopic,
    });
    await group.caughtUp();
    expect(member.of("started", "o1").map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    const [letter] = await group.read(context, deadLetterTopic, 1);
    expect([String(letter?.key), String(letter?.value)]).toEqual(["account-7", "order o1"]);
    expect(letter?.timestamp).toBe(timestamp);
    expect(letter?.headers?.twice?.toString()).toBe("1,2");
    const told = ["id", "x-onlyonce-reason", "x-onlyonce-attempt", "x-onlyonce-topic"];
    expect(told.map((name) => String(letter?.headers?.[name]))).toEqual([
      "o1",
      "TypeError: o1 cannot be shipped",
      "3",
      group.topic,
    ]);
    await group.send(["o3"]);
    await group.caughtUp();
    expectInvariants(group);
  });

  it("that are handled many at a time and fail at one are run again from there, in order, and only those", async (context) => {
    const group = await OrdersGroup.open(context);
    const ids = ["o1", "o2", "o3", "o4", "o5", "o6", "o7"];
    await group.send([...ids, "o1"]);
    const member = group.member({
      handlesBatches: true,
      rejections: { o4: 2 },
      retryDelayMs: 100,
    });
    await group.caughtUp();
    expect(member.of("started", "o4").map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(member.of("finished").map(({ id }) => id)).toEqual(ids);
    expectInvariants(group);
  });
});

async function inTransaction(
  group: OrdersGroup,
  { onTestFinished }: TestContext,
  id: string,
  end: "commit" | "abort",
): Promise<void> {
  const producer = group.kafka.producer({
    transactionalId: `tx-${group.topic}-${id}`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  onTestFinished(() => producer.disconnect());
  await producer.connect();
  const transaction = await producer.transaction();
  const messages = [{ value: `order ${id}`, headers: { id } }];
  await transaction.send({ topic: group.topic, messages });
  await transaction[end]();
  if (end === "commit") group.sent.push({ id, partition: 0 });
}
