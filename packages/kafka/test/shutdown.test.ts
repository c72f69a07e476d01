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

describe("shutdown, with kafkajs on a real broker", () => {
  it.each(["stop", "disconnect"] as const)(
    "behaviour 90: %s lets the running handler finish, records and commits it, and takes nothing more",
    async (how) => {
      const topic = await newTopic();
      const groupId = newGroup();
      await send(
        topic,
        ["p-1", "p-2", "p-3"].map((id) => message(id)),
      );
      const gate = new Gate();
      const ran: string[] = [];
      const ended: string[] = [];
      const signals: boolean[] = [];
      const member = await join({
        topics: [topic],
        groupId,
        eachMessage: async ({ message: record }, { signal }) => {
          ran.push(String(record.value));
          await gate.opened;
          signals.push(signal.aborted);
          ended.push(String(record.value));
        },
      });
      await expect.poll(() => ran, within).toEqual(["p-1"]);
      const leaving = member.consumer[how]();
      gate.open();
      await leaving;
      expect(ended).toEqual(["p-1"]);
      expect(signals).toEqual([false]);
      expect(member.observer.names()).toEqual(["processed"]);
      expect(await committed(groupId, topic)).toBe(1);
      await member.close();
      const next: string[] = [];
      const successor = await join({
        topics: [topic],
        groupId,
        eachMessage: async ({ message: record }) => {
          next.push(String(record.value));
        },
      });
      await reaches(groupId, topic, 3);
      expect(next).toEqual(["p-2", "p-3"]);
      expect(successor.observer.names()).toEqual(["processed", "processed"]);
    },
  );

  it("a handler that ends just as the consumer stops loses nothing: what is not resolved comes again", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    const ids = Array.from({ length: 40 }, (_, index) => `p-${index}`);
    await send(
      topic,
      ids.map((id) => message(id)),
    );
    const ran: string[] = [];
    for (const until of [7, 19, 33, 40]) {
      const member = await join({
        topics: [topic],
        groupId,
        eachMessage: async ({ message: record }) => {
          ran.push(String(record.value));
        },
      });
      await expect.poll(() => ran.length, within).toBeGreaterThanOrEqual(until);
      await member.close();
    }
    expect(ran).toEqual(ids);
    expect(await committed(groupId, topic)).toBe(40);
  });

  it("a consumer that waits for a busy key stops without sitting out its wait and leaves the message untouched", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1")]);
    const held = await hold(guard(groupId), topic, "p-1");
    const log = new ClaimLog();
    const member = await join({
      topics: [topic],
      groupId,
      store: log.of(newStore()),
      policy: { busyWaitMs: 25_000 },
      eachMessage: async () => undefined,
    });
    await expect.poll(() => log.answers, within).toContain("busy");
    const startedAtMs = performance.now();
    await member.close();
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    expect(member.observer.names()).toEqual([]);
    expect(await committed(groupId, topic)).toBe(-1);
    await held.end();
  });
});
