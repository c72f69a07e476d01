import { describe, expect, it } from "vitest";
import { ClaimLog } from "./claim-log.js";
import {
  committed,
  Gate,
  guard,
  hold,
  join,
  LIMIT_MS,
  message,
  newGroup,
  newStore,
  newTopic,
  reaches,
  send,
} from "./guarded-group.js";

const within = { timeout: LIMIT_MS, interval: 20 };

describe("a key that somebody else holds, with kafkajs on a real broker", () => {
  it("behaviour 31: is neither run nor resolved by a second consumer", async () => {
    const topic = await newTopic(2);
    const groupId = newGroup();
    const gate = new Gate();
    const ran: string[] = [];
    const log = new ClaimLog();
    const member = (store = newStore()) =>
      join({
        topics: [topic],
        groupId,
        store,
        policy: { busyWaitMs: 20_000 },
        eachMessage: async ({ partition }) => {
          ran.push(`partition ${partition}`);
          await gate.opened;
        },
      });
    const first = await member();
    const second = await member(log.of(newStore()));
    await expect
      .poll(() => [...first.assigned(), ...second.assigned()].toSorted(), within)
      .toEqual([0, 1]);
    await expect.poll(() => first.assigned().length, within).toBe(1);
    await send(topic, [message("p-1", first.assigned()[0])]);
    await expect.poll(() => ran.length, within).toBe(1);
    await send(topic, [message("p-1", second.assigned()[0])]);
    await expect.poll(() => log.answers.length, within).toBeGreaterThanOrEqual(3);
    expect(log.answers).not.toContain("acquired");
    expect(await committed(groupId, topic, second.assigned()[0])).toBe(-1);
    gate.open();
    await reaches(groupId, topic, 1, 0);
    await reaches(groupId, topic, 1, 1);
    expect(ran).toEqual([`partition ${first.assigned()[0]}`]);
    expect(second.observer.names()).toEqual(["duplicate"]);
  });

  it("behaviour 32: is dropped without running once its owner completes during the wait", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1"), message("p-2")]);
    const held = await hold(guard(groupId), topic, "p-1");
    const log = new ClaimLog();
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      store: log.of(newStore()),
      policy: { busyWaitMs: 20_000 },
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
      },
    });
    await expect.poll(() => log.answers, within).toContain("busy");
    await held.end();
    await reaches(groupId, topic, 2);
    expect(ran).toEqual(["p-2"]);
    expect(member.observer.names()).toEqual(["duplicate", "processed"]);
  });

  it("behaviour 33: runs at once when its owner fails during the wait", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1")]);
    const held = await hold(guard(groupId), topic, "p-1");
    const log = new ClaimLog();
    const attempts: number[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      store: log.of(newStore()),
      policy: { busyWaitMs: 20_000 },
      eachMessage: async (_, { attempt }) => {
        attempts.push(attempt);
      },
    });
    await expect.poll(() => log.answers, within).toContain("busy");
    const failedAtMs = performance.now();
    await held.end(new Error("card declined"));
    await expect.poll(() => attempts, { ...within, interval: 5 }).toEqual([2]);
    expect(performance.now() - failedAtMs).toBeLessThan(1_500);
    await reaches(groupId, topic, 1);
    expect(member.observer.names()).toEqual(["processed"]);
  });

  it("behaviours 34 and 81: beyond the wait is reported, left unresolved, and nothing behind it runs or is committed", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1"), message("p-2"), message("p-3")]);
    const held = await hold(guard(groupId), topic, "p-2");
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      policy: { busyWaitMs: 50 },
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
      },
    });
    await expect.poll(() => member.observer.count("busy"), within).toBe(1);
    expect(ran).toEqual(["p-1"]);
    expect(await committed(groupId, topic)).toBe(1);
    await held.end();
    await reaches(groupId, topic, 3);
    expect(ran).toEqual(["p-1", "p-3"]);
    expect(member.observer.names().filter((name) => name !== "busy")).toEqual([
      "processed",
      "duplicate",
      "processed",
    ]);
    expect(member.crashes).toEqual([]);
  });

  it("behaviour 35: is taken over when its owner is gone and the lease lapses", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1")]);
    const owner = guard(groupId, { policy: { leaseMs: 3_000 } });
    await hold(owner, topic, "p-1");
    await owner.close({ drainMs: 0 });
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      policy: { busyWaitMs: 50 },
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
      },
    });
    await reaches(groupId, topic, 1);
    expect(ran).toEqual(["p-1"]);
    expect(member.observer.names().at(-1)).toBe("processed");
    expect(member.observer.count("busy")).toBeGreaterThanOrEqual(1);
  });

  it("K7: fifty in a row do not crash kafkajs, let no later record pass, and run in order afterwards", async () => {
    const partitions = Array.from({ length: 50 }, (_, index) => index);
    const topic = await newTopic(partitions.length);
    const groupId = newGroup();
    const owner = guard(groupId);
    await send(
      topic,
      partitions.flatMap((index) => [
        message(`first-${index}`, index),
        message(`next-${index}`, index),
      ]),
    );
    const holds = await Promise.all(
      partitions.map((index) => hold(owner, topic, `first-${index}`)),
    );
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      policy: { busyWaitMs: 1 },
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
      },
    });
    await expect.poll(() => member.observer.count("busy"), within).toBeGreaterThanOrEqual(60);
    expect(ran).toEqual([]);
    await Promise.all(holds.map((held) => held.end(new Error("card declined"))));
    for (const index of partitions) await reaches(groupId, topic, 2, index);
    for (const index of partitions) {
      expect(ran.filter((id) => id.endsWith(`-${index}`))).toEqual([
        `first-${index}`,
        `next-${index}`,
      ]);
    }
    expect(member.crashes).toEqual([]);
  });
});
