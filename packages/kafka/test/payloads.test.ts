import { header } from "@onlyonce/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { join, kafka, newGroup, newTopic, reaches, send } from "./guarded-group.js";

describe("records of every shape, with kafkajs on a real broker", () => {
  it("behaviour 82: tombstones, null keys, repeated, empty and missing headers reach the end of the topic", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    const id = "idempotency-key";
    await send(topic, [
      { key: null, value: "null key", headers: { [id]: "1" } },
      { key: "account-7", value: null, headers: { [id]: "2" } },
      { key: null, value: null, headers: { [id]: "3" } },
      { key: null, value: null, headers: {} },
      { key: "account-7", value: "no header" },
      { key: null, value: "repeated header", headers: { [id]: ["4", "5"] } },
      { key: null, value: "empty header", headers: { [id]: "" } },
      { key: null, value: "odd names", headers: { [id]: "6", __proto__: "x", constructor: "y" } },
      { key: null, value: "", headers: { [id]: "7" } },
      { key: null, value: "again", headers: { [id]: "1" } },
    ]);
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      policy: { key: header(id) },
      eachMessage: async ({ message: record }) => {
        ran.push(record.value === null ? "tombstone" : String(record.value));
      },
    });
    await reaches(groupId, topic, 10);
    expect(ran).toEqual([
      "null key",
      "tombstone",
      "tombstone",
      "tombstone",
      "no header",
      "repeated header",
      "empty header",
      "odd names",
      "",
    ]);
    expect(member.observer.count("duplicate")).toBe(1);
    expect(member.crashes).toEqual([]);
  });

  it("aborted transactions are never run, and the control record at the end is passed", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    const producer = kafka.producer({
      transactionalId: `tx-${topic}`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const send = async (value: string, end: "commit" | "abort"): Promise<void> => {
      const transaction = await producer.transaction();
      const headers = { "idempotency-key": value };
      await transaction.send({ topic, messages: [{ key: null, value, headers }] });
      await transaction[end]();
    };
    await send("first", "commit");
    await send("aborted", "abort");
    await send("second", "commit");
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
      },
    });
    await reaches(groupId, topic, 6);
    expect(ran).toEqual(["first", "second"]);
    await send("aborted too", "abort");
    await send("third", "commit");
    await reaches(groupId, topic, 10);
    expect(ran).toEqual(["first", "second", "third"]);
    expect(member.crashes).toEqual([]);
  });
});
