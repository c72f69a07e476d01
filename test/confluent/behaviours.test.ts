import { describe, expect, inject, it } from "vitest";
import type { Child } from "../children/child.js";
import { expectInvariants } from "../e2e/order-history.js";
import { LEASE_MS, OrdersGroup, SESSION_MS } from "../e2e/orders-group.js";
import { until } from "../servers/deadline.js";

const POLICY = { ackTimeoutMs: 60_000, leaseMs: LEASE_MS, busyWaitMs: 500, windowMs: 300_000 };

describe.concurrent("Confluent's client, guarded", () => {
  it("is the client of these tests", () => {
    expect(inject("confluentFolder")).toContain("confluent-1.10.1");
  });

  it("behaviours 1, 2 and 69: runs what was sent five times once, and commits all offsets", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(["o1", "o1", "o2", "o1", "o1", "o1"]);
    const member = group.member();
    await group.caughtUp();
    const names = member.of("outcome").map(({ outcome }) => outcome);
    expect(names.filter((name) => name === "processed")).toHaveLength(2);
    expect(names.filter((name) => name === "duplicate")).toHaveLength(4);
    expectInvariants(group);
  });

  it("behaviours 21 and 81: tries a message again whose handler rejects, and lets no later one of its partition pass", async (context) => {
    const group = await OrdersGroup.open(context, { partitions: 2 });
    await group.send(["a1", "a2", "a3"], 0);
    await group.send(["b1", "b2", "b3"], 1);
    const member = group.member({ rejections: { a2: 2, b1: 1 }, retryDelayMs: 200 });
    await group.caughtUp();
    expect(member.of("started", "a2").map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(member.of("started", "b1").map(({ attempt }) => attempt)).toEqual([1, 2]);
    expectInvariants(group);
  });

  it("behaviour 34, K9: leaves a message alone while another member has its id, and drops it once that is done", async (context) => {
    const group = await OrdersGroup.open(context, { partitions: 2 });
    const members = [0, 1].map(() => group.member({ holds: true, policy: POLICY }));
    await Promise.all(members.map((member) => member.heard("ready", 60_000)));
    await group.send(["o1"], 0);
    const owner = await until(() => members.find((member) => member.of("started").length > 0), {
      what: "The start of o1",
      limitMs: 40_000,
    });
    await group.send(["o1", "o2"], 1);
    const isBusy = ({ outcome }: { readonly outcome?: string }): boolean => outcome === "busy";
    await until(() => (members.some((one) => one.of("outcome").some(isBusy)) ? true : undefined), {
      what: "A busy o1",
      limitMs: 40_000,
    });
    expect(members.flatMap((member) => member.of("started"))).toHaveLength(1);
    expect(owner.of("finished")).toEqual([]);
    for (const member of members) member.say("finish");
    await group.caughtUp();
    expectInvariants(group);
  });

  it("dead-letters a message after its last attempt, and goes on with the next", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(["o1", "o2"]);
    const member = group.member({
      rejections: { o1: 99 },
      retryDelayMs: 100,
      policy: { ...POLICY, maxAttempts: 3 },
    });
    await group.caughtUp();
    expect(member.of("started", "o1").map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(member.of("dead_lettered").map(({ id }) => id)).toEqual(["o1"]);
    expect(member.of("finished").map(({ id }) => id)).toEqual(["o2"]);
    const outcomes = member.of("outcome", "o1").map(({ outcome }) => outcome);
    expect(outcomes.at(-1)).toBe("failed:poison");
  });

  it("K6: gives a killed static member its partition back within its session, and its message runs again, without a rebalance of the others", async (context) => {
    const group = await OrdersGroup.open(context, { partitions: 2 });
    const sessionTimeoutMs = 30_000;
    const join = (groupInstanceId: string, holds: boolean): Child =>
      group.member({ groupInstanceId, holds, sessionTimeoutMs });
    const members = [join("one", true), join("two", true)];
    await Promise.all(members.map((member) => member.heard("ready", 60_000)));
    await group.send(["a1"], 0);
    await group.send(["b1"], 1);
    const [victim, other] = members as [Child, Child];
    await Promise.all(members.map((member) => member.heard("started", 60_000)));
    const joinsBefore = other.of("ready").length;
    await victim.kill();
    const successor = join("one", false);
    await successor.heard("finished", SESSION_MS + LEASE_MS + 10_000);
    expect(other.of("ready")).toHaveLength(joinsBefore);
    other.say("finish");
    await group.caughtUp();
    expectInvariants(group);
  });

  it("K6: deploys a static member that leaves and is back within its session without a rebalance of the others, and runs every message once", async (context) => {
    const group = await OrdersGroup.open(context, { partitions: 2 });
    const join = (groupInstanceId: string, more: object = {}): Child =>
      group.member({ groupInstanceId, sessionTimeoutMs: 30_000, ...more });
    const [leaving, other] = [join("one", { holds: true }), join("two")] as const;
    await Promise.all([leaving, other].map((member) => member.heard("ready", 60_000)));
    await group.send(["a1", "a2"], 0);
    await group.send(["b1", "b2"], 1);
    await leaving.heard("started", 60_000);
    const joinsBefore = other.of("ready").length;
    leaving.signal("SIGTERM");
    await leaving.heard("stopping", 20_000);
    leaving.say("finish");
    await leaving.exited();
    expect(leaving.of("started")).toHaveLength(1);
    const successor = join("one");
    await successor.heard("finished", 60_000);
    await group.caughtUp();
    expect(other.of("ready")).toHaveLength(joinsBefore);
    expect(group.members.flatMap((member) => member.of("started"))).toHaveLength(4);
    expectInvariants(group);
  });

  it("behaviour 75: has a handler that takes longer than its client allows end undisturbed: who gets its partition waits, and drops the message", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(["o1", "o2"]);
    // It takes twice of this for the time that may pass between two polls.
    const slow = group.member({ holds: true, rebalanceTimeoutMs: SESSION_MS, policy: POLICY });
    await slow.heard("started", 60_000, "o1");
    const next = group.member({ policy: POLICY });
    expect(await next.heard("outcome", 60_000, "o1")).toMatchObject({ outcome: "busy" });
    expect(slow.of("finished")).toEqual([]);
    slow.say("finish");
    expect(await slow.heard("outcome", 20_000, "o1")).toMatchObject({ outcome: "processed" });
    await group.caughtUp();
    expect(group.members.flatMap((member) => member.of("started", "o1"))).toHaveLength(1);
    expectInvariants(group);
  });
});
