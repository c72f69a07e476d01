import { describe, expect, it } from "vitest";
import { ClaimLog } from "./claim-log.js";
import {
  committed,
  Gate,
  join,
  kafka,
  LIMIT_MS,
  type MemberOptions,
  message,
  newGroup,
  newStore,
  newTopic,
  reaches,
  send,
} from "./guarded-group.js";

const within = { timeout: LIMIT_MS, interval: 50 };

async function stateOf(groupId: string): Promise<string> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([groupId]);
    return groups[0]?.state ?? "none";
  } finally {
    await admin.disconnect();
  }
}

describe("a rebalance, with kafkajs on a real broker", () => {
  it("behaviour 75: that begins while a handler runs waits for it, and its message is not run twice", async () => {
    const topic = await newTopic(2);
    const groupId = newGroup();
    const gate = new Gate();
    const ran: string[] = [];
    const options: MemberOptions = {
      topics: [topic],
      groupId,
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
        if (String(record.value) === "slow") await gate.opened;
      },
    };
    const first = await join(options);
    await send(topic, [message("slow", 0), message("next", 0)]);
    await expect.poll(() => ran, within).toEqual(["slow"]);
    const joining = join(options);
    await expect.poll(() => stateOf(groupId), within).toBe("PreparingRebalance");
    gate.open();
    const second = await joining;
    await expect
      .poll(() => [...first.assigned(), ...second.assigned()].toSorted(), within)
      .toEqual([0, 1]);
    await send(topic, [message("last", 0), message("other", 1)]);
    await reaches(groupId, topic, 3, 0);
    await reaches(groupId, topic, 1, 1);
    expect(ran.toSorted()).toEqual(["last", "next", "other", "slow"]);
    expect([...first.observer.names(), ...second.observer.names()]).toEqual(
      Array(4).fill("processed"),
    );
    expect([...first.crashes, ...second.crashes]).toEqual([]);
  });

  it("behaviour 75: that takes the partition away from a running handler does not run its message twice", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    const gate = new Gate();
    const ran: string[] = [];
    const signals: boolean[] = [];
    const options: MemberOptions = {
      topics: [topic],
      groupId,
      consumer: { rebalanceTimeout: 1_500 },
      policy: { busyWaitMs: 20_000 },
      eachMessage: async ({ message: record }, { signal }) => {
        ran.push(String(record.value));
        if (String(record.value) !== "slow") return;
        await gate.opened;
        signals.push(signal.aborted);
      },
    };
    const first = await join(options);
    await send(topic, [message("slow"), message("next")]);
    await expect.poll(() => ran, within).toEqual(["slow"]);
    const log = new ClaimLog();
    const second = await join({ ...options, store: log.of(newStore()) });
    await expect.poll(() => log.answers, within).toContain("busy");
    expect(second.assigned()).toEqual([0]);
    gate.open();
    await reaches(groupId, topic, 2);
    await send(topic, [message("last")]);
    await reaches(groupId, topic, 3);
    expect(ran).toEqual(["slow", "next", "last"]);
    expect(signals).toEqual([false]);
    expect(first.observer.names()[0]).toBe("processed");
    expect(first.observer.outcomes[0]?.delivery.coordinates).toMatch(`${topic}/0/0/`);
    const seen = [...first.observer.names(), ...second.observer.names()];
    expect(seen.filter((name) => name === "processed")).toHaveLength(3);
    expect(new Set(seen)).toEqual(new Set(["processed", "duplicate"]));
    expect([...first.crashes, ...second.crashes]).toEqual([]);
  });

  it("behaviour 84: does not come before what was finished is committed, so nothing of it is seen again", async () => {
    const topic = await newTopic(2);
    const groupId = newGroup();
    const gate = new Gate();
    const ran: string[] = [];
    const options: MemberOptions = {
      topics: [topic],
      groupId,
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
        if (String(record.value) === "slow") await gate.opened;
      },
    };
    const first = await join(options);
    const ids = ["one", "two", "slow", "next"];
    await send(
      topic,
      ids.map((id) => message(id)),
    );
    await expect.poll(() => ran, within).toEqual(["one", "two", "slow"]);
    const joining = join(options);
    await expect.poll(() => stateOf(groupId), within).toBe("PreparingRebalance");
    gate.open();
    const second = await joining;
    expect(await committed(groupId, topic)).toBeGreaterThanOrEqual(3);
    await reaches(groupId, topic, 4);
    expect(ran).toEqual(ids);
    const seen = [...first.observer.names(), ...second.observer.names()];
    expect(seen).toEqual(Array(4).fill("processed"));
  });
});

describe("a handler that takes longer than the session", () => {
  const session = { sessionTimeout: 6_000, heartbeatInterval: 500 };

  it("behaviour 80: keeps its partition because heartbeats are sent for it, although it sends none", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    const gate = new Gate();
    const ran: string[] = [];
    const joins: unknown[] = [];
    const options: MemberOptions = {
      topics: [topic],
      groupId,
      consumer: session,
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
        await gate.opened;
      },
    };
    const members = [await join(options), await join(options)];
    for (const { consumer } of members) {
      consumer.on(consumer.events.GROUP_JOIN, (event) => void joins.push(event));
    }
    await send(topic, [message("slow")]);
    await expect.poll(() => ran, within).toEqual(["slow"]);
    await expect.poll(() => stateOf(groupId), within).toBe("Stable");
    const joinsBefore = joins.length;
    const owner = members.find((member) => member.assigned().length > 0);
    const beats: unknown[] = [];
    owner?.consumer.on(owner.consumer.events.HEARTBEAT, (event) => void beats.push(event));
    // Of those that kafkajs sends every half second, as many as outlive the session.
    await expect.poll(() => beats.length, within).toBeGreaterThanOrEqual(15);
    gate.open();
    await reaches(groupId, topic, 1);
    expect(ran).toEqual(["slow"]);
    expect(joins).toHaveLength(joinsBefore);
    expect(members.flatMap(({ observer }) => observer.names())).toEqual(["processed"]);
  });

  it("loses its partition when its longest processing time is up: a stuck handler does not hold it for ever", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    const gate = new Gate();
    const aborted: string[] = [];
    const ran: string[] = [];
    const options = {
      topics: [topic],
      groupId,
      consumer: session,
      policy: { ackTimeoutMs: 6_000, leaseMs: 3_000 },
    };
    const stuck = await join({
      ...options,
      eachMessage: async (_, { signal }) => {
        ran.push("stuck");
        signal.addEventListener("abort", () => aborted.push(String(signal.reason)));
        await gate.opened;
        signal.throwIfAborted();
      },
    });
    await send(topic, [message("p-1")]);
    await expect.poll(() => ran, within).toEqual(["stuck"]);
    const successor = await join({
      ...options,
      eachMessage: async () => {
        ran.push("successor");
      },
    });
    await reaches(groupId, topic, 1);
    expect(ran).toEqual(["stuck", "successor"]);
    expect(aborted).toEqual([expect.stringMatching("longest processing time")]);
    expect(successor.observer.names()).toEqual(["processed"]);
    gate.open();
    await stuck.close();
    expect(stuck.observer.names()).toEqual(["failed"]);
  });
});
