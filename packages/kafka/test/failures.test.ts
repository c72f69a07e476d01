import { PermanentError } from "@onlyonce/core";
import { describe, expect, it } from "vitest";
import type { KafkaRunOptions } from "../src/index.js";
import {
  committed,
  join,
  LIMIT_MS,
  message,
  newGroup,
  newTopic,
  reaches,
  send,
} from "./guarded-group.js";

const within = { timeout: LIMIT_MS, interval: 20 };
const soon: KafkaRunOptions = { retryDelayMs: () => 50 };

describe("a handler that throws, with kafkajs on a real broker", () => {
  it("behaviour 21: is released and the same offset runs again, as the next attempt", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1"), message("p-2")]);
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      options: soon,
      eachMessage: async ({ message: record }, { attempt }) => {
        ran.push(`${record.value} attempt ${attempt}`);
        if (String(record.value) === "p-1" && attempt < 3) throw new Error("card declined");
      },
    });
    await reaches(groupId, topic, 2);
    expect(ran).toEqual(["p-1 attempt 1", "p-1 attempt 2", "p-1 attempt 3", "p-2 attempt 1"]);
    expect(member.observer.names()).toEqual(["failed", "failed", "processed", "processed"]);
    expect(member.crashes).toEqual([]);
  });

  it("with a TypeError, which alone would stop kafkajs for ever, is retried, dead-lettered, and the consumer goes on", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("bad"), message("good")]);
    const ran: string[] = [];
    const dead: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      policy: { maxAttempts: 8 },
      options: {
        ...soon,
        deadLetter: async (payload, { error, attempt }) => {
          dead.push(`${payload.topic === topic} ${payload.message.value} ${error} ${attempt}`);
        },
      },
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
        if (String(record.value) === "bad") throw new TypeError("no such property");
      },
    });
    await reaches(groupId, topic, 2);
    expect(ran).toEqual([...Array(8).fill("bad"), "good"]);
    expect(dead).toEqual(["true bad TypeError: no such property 8"]);
    expect(member.observer.count("failed", "poison")).toBe(1);
    expect(member.crashes).toEqual([]);
    await send(topic, [message("later")]);
    await reaches(groupId, topic, 3);
    expect(ran.at(-1)).toBe("later");
  });

  it("a message that was dead-lettered runs again when it is sent again with the same id", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1")]);
    let isMended = false;
    const ran: number[] = [];
    await join({
      topics: [topic],
      groupId,
      options: { deadLetter: async () => undefined },
      eachMessage: async (_, { attempt }) => {
        if (!isMended) throw new PermanentError("no such account");
        ran.push(attempt);
      },
    });
    await reaches(groupId, topic, 1);
    isMended = true;
    await send(topic, [message("p-1")]);
    await reaches(groupId, topic, 2);
    expect(ran).toEqual([1]);
  });

  it("is not resolved while its dead letter cannot be published, and nothing behind it runs", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("bad"), message("good")]);
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      options: {
        ...soon,
        deadLetter: async () => {
          throw new Error("the dead-letter topic is gone");
        },
      },
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
        throw new PermanentError("no such account");
      },
    });
    await expect.poll(() => member.observer.count("failed"), within).toBe(1);
    expect(member.observer.incidents.map(({ kind }) => kind)).toContain("dead_letter_failed");
    await expect.poll(() => member.consumer.paused(), within).toEqual([{ topic, partitions: [0] }]);
    await member.close();
    expect(ran).toEqual(["bad"]);
    expect(await committed(groupId, topic)).toBe(-1);
    expect(member.crashes).toEqual([]);
  });

  it("holds up its own partition only, and order is kept within each", async () => {
    const topic = await newTopic(2);
    const groupId = newGroup();
    const ids = Array.from({ length: 12 }, (_, index) => String(index));
    await send(
      topic,
      ids.flatMap((id) => [message(`a${id}`, 0), message(`b${id}`, 1)]),
    );
    const ended: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      options: soon,
      run: { partitionsConsumedConcurrently: 2 },
      eachMessage: async ({ message: record, partition }, { attempt }) => {
        if (partition === 0 && Number(record.offset) % 3 === 0 && attempt < 3)
          throw new Error("again");
        ended.push(String(record.value));
      },
    });
    await reaches(groupId, topic, 12, 0);
    await reaches(groupId, topic, 12, 1);
    expect(ended.filter((id) => id.startsWith("a"))).toEqual(ids.map((id) => `a${id}`));
    expect(ended.filter((id) => id.startsWith("b"))).toEqual(ids.map((id) => `b${id}`));
    expect(ended.indexOf("b11")).toBeLessThan(ended.indexOf("a11"));
    expect(member.observer.count("failed")).toBe(8);
    expect(member.crashes).toEqual([]);
  });

  it("and is rethrown on request gets through kafkajs' own retry, released before and counted", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1"), message("p-2")]);
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      options: { onFailure: "rethrow" },
      consumer: { retry: { retries: 5, initialRetryTime: 50 } },
      eachMessage: async ({ message: record }, { attempt }) => {
        ran.push(`${record.value} attempt ${attempt}`);
        if (String(record.value) === "p-1" && attempt < 3) throw new Error("card declined");
      },
    });
    await reaches(groupId, topic, 2);
    expect(ran).toEqual(["p-1 attempt 1", "p-1 attempt 2", "p-1 attempt 3", "p-2 attempt 1"]);
    expect(member.consumer.paused()).toEqual([]);
  });
});
