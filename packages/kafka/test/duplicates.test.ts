import { coordinates } from "@onlyonce/core";
import { describe, expect, it } from "vitest";
import {
  committed,
  forgetOffsets,
  Gate,
  join,
  LIMIT_MS,
  message,
  newGroup,
  newTopic,
  reaches,
  send,
} from "./guarded-group.js";

const within = { timeout: LIMIT_MS, interval: 20 };

describe("duplicates on real brokers", () => {
  it("behaviour 1: an unseen key runs once, is remembered, and its offset is committed", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1")]);
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      eachMessage: async (payload) => {
        ran.push(String(payload.message.value));
      },
    });
    await reaches(groupId, topic, 1);
    expect(ran).toEqual(["p-1"]);
    const known = await member.deduplicator.inspect({
      topic,
      headers: { "idempotency-key": "p-1" },
    });
    expect(known).toMatchObject({ state: "completed" });
    expect(known?.origin.coordinates).toMatch(new RegExp(`^${topic}/0/0/\\d+$`));
  });

  it("behaviours 2 and 69: what a publisher sent five times, each a fresh offset, runs once and all offsets are committed", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    for (let round = 0; round < 5; round += 1) await send(topic, [message("p-1")]);
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      eachMessage: async (payload) => {
        ran.push(payload.message.offset);
      },
    });
    await reaches(groupId, topic, 5);
    expect(ran).toEqual(["0"]);
    expect(member.observer.names()).toEqual(["processed", ...Array(4).fill("duplicate")]);
    expect(member.observer.outcomes[4]?.origin?.coordinates).toMatch(`${topic}/0/0/`);
  });

  it("behaviour 9: the same id on two topics and for two groups runs for each of them", async () => {
    const topics = [await newTopic(), await newTopic()];
    for (const topic of topics) await send(topic, [message("p-1")]);
    const groups = [newGroup(), newGroup()];
    const ran: string[] = [];
    for (const [index, groupId] of groups.entries()) {
      await join({
        topics,
        groupId,
        eachMessage: async ({ topic }) => {
          ran.push(`${index} ${topics.indexOf(topic)}`);
        },
      });
    }
    for (const groupId of groups) for (const topic of topics) await reaches(groupId, topic, 1);
    expect(ran.toSorted()).toEqual(["0 0", "0 1", "1 0", "1 1"]);
  });

  it("what was processed on a topic is a duplicate on its retry topic, if that is guarded as its parent", async () => {
    const topic = await newTopic();
    const retry = await newTopic();
    const groupId = newGroup();
    const ran: string[] = [];
    await send(topic, [message("p-1")]);
    const member = await join({
      topics: [topic, retry],
      groupId,
      options: { guardAs: { [retry]: topic } },
      eachMessage: async (payload) => {
        ran.push(`${payload.topic === retry ? "retry" : "topic"} ${payload.message.value}`);
      },
    });
    await reaches(groupId, topic, 1);
    await send(retry, [message("p-1"), message("p-2")]);
    await reaches(groupId, retry, 2);
    expect(ran).toEqual(["topic p-1", "retry p-2"]);
    expect(member.observer.names()).toEqual(["processed", "duplicate", "processed"]);
  });

  it("K9: the same id on two partitions at once runs once, and both are resolved", async () => {
    const topic = await newTopic(2);
    const groupId = newGroup();
    await send(topic, [message("p-1", 0), message("p-1", 1)]);
    const gate = new Gate();
    const ran: number[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      policy: { busyWaitMs: 20_000 },
      run: { partitionsConsumedConcurrently: 2 },
      eachMessage: async ({ partition }) => {
        ran.push(partition);
        await gate.opened;
      },
    });
    await expect.poll(() => ran.length, within).toBe(1);
    gate.open();
    await reaches(groupId, topic, 1, 0);
    await reaches(groupId, topic, 1, 1);
    expect(ran).toHaveLength(1);
    expect(member.observer.names().toSorted()).toEqual(["duplicate", "processed"]);
  });

  it("behaviour 16: a handler that changes the message changes nothing about its key", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1")]);
    await send(topic, [message("p-1")]);
    let runs = 0;
    await join({
      topics: [topic],
      groupId,
      eachMessage: async ({ message: record }) => {
        runs += 1;
        Object.assign(record, { value: null, headers: { "idempotency-key": "another" } });
      },
    });
    await reaches(groupId, topic, 2);
    expect(runs).toBe(1);
  });

  it("behaviour 83: a record stored twice is dropped by its id but not by its coordinates", async () => {
    const topic = await newTopic();
    for (let round = 0; round < 2; round += 1) await send(topic, [message("p-1")]);
    const runs = { byId: 0, byCoordinates: 0 };
    const byId = newGroup();
    const byCoordinates = newGroup();
    await join({
      topics: [topic],
      groupId: byId,
      eachMessage: async () => {
        runs.byId += 1;
      },
    });
    await join({
      topics: [topic],
      groupId: byCoordinates,
      policy: { key: coordinates() },
      eachMessage: async () => {
        runs.byCoordinates += 1;
      },
    });
    await reaches(byId, topic, 2);
    await reaches(byCoordinates, topic, 2);
    expect(runs).toEqual({ byId: 1, byCoordinates: 2 });
  });

  it("behaviour 76: records read again after a lost commit are dropped if completed and run if not", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(
      topic,
      ["p-1", "p-2", "p-3"].map((id) => message(id)),
    );
    const ran: string[] = [];
    const failing = await join({
      topics: [topic],
      groupId,
      eachMessage: async (payload) => {
        ran.push(String(payload.message.value));
        if (String(payload.message.value) === "p-3") throw new Error("card declined");
      },
    });
    await expect.poll(() => failing.observer.count("failed"), within).toBe(1);
    await failing.close();
    await expect(committed(groupId, topic)).resolves.toBe(2);
    await forgetOffsets(groupId);
    const again = await join({
      topics: [topic],
      groupId,
      eachMessage: async (payload) => {
        ran.push(String(payload.message.value));
      },
    });
    await reaches(groupId, topic, 3);
    expect(ran).toEqual(["p-1", "p-2", "p-3", "p-3"]);
    expect(again.observer.names()).toEqual(["duplicate", "duplicate", "processed"]);
  });
});
