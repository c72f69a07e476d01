import { type RedisCommands, redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import {
  committed,
  Gate,
  guard,
  join,
  LIMIT_MS,
  message,
  newGroup,
  newTopic,
  reaches,
  send,
} from "./guarded-group.js";

const within = { timeout: LIMIT_MS, interval: 20 };
const ids = Array.from({ length: 64 }, (_, index) => `p-${index}`);

function connect(): Redis {
  const redis = new Redis(inject("redisUrl"), { maxRetriesPerRequest: 1 });
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** A consumer whose way to Redis can be cut: for Redis, and for the group, as if its process had died. */
async function dying(
  topic: string,
  groupId: string,
  die: (id: string, attempt: number) => boolean,
) {
  const redis = connect();
  const gate = new Gate();
  const ran: string[] = [];
  const member = await join({
    topics: [topic],
    groupId,
    store: redisStore(redis, { prefix: "kafka:", commandTimeoutMs: 500 }),
    policy: { maxAttempts: 2 },
    consumer: { sessionTimeout: 6_000 },
    eachMessage: async ({ message: record }, { attempt }) => {
      const id = String(record.value);
      ran.push(`${id} attempt ${attempt}`);
      if (!die(id, attempt)) return;
      redis.disconnect();
      await gate.opened;
      throw new Error("never ends well");
    },
  });
  return { member, ran, end: () => gate.open() };
}

describe("claims taken ahead, with kafkajs on a real broker", () => {
  it("a batch of 64 costs Redis one claim, and far fewer completions than records", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(
      topic,
      ids.map((id) => message(id)),
    );
    const redis = connect();
    const sizes = new Map<string, number[]>();
    const counting: RedisCommands = {
      evalsha: (script, keyCount, ...parameters) => {
        sizes.set(script, [...(sizes.get(script) ?? []), keyCount]);
        return redis.evalsha(script, keyCount, ...parameters);
      },
      eval: (script, keyCount, ...parameters) => redis.eval(script, keyCount, ...parameters),
      info: (section) => redis.info(section),
      config: (_, parameter) => redis.config("GET", parameter),
    };
    const member = await join({
      topics: [topic],
      groupId,
      store: redisStore(counting, { prefix: "kafka:" }),
      policy: { leaseMs: 20_000 },
      eachMessage: async () => undefined,
    });
    await reaches(groupId, topic, 64);
    expect(member.observer.count("processed")).toBe(64);
    const keysOf = (calls: readonly number[]): number => calls.reduce((sum, size) => sum + size);
    // The store's own check of the server calls some scripts once, with a key of its own.
    const [claims, completions, ...others] = [...sizes.values()]
      .filter((calls) => keysOf(calls) > 1)
      .sort((a, b) => a.length - b.length);
    expect(claims).toEqual([64]);
    expect(completions && keysOf(completions)).toBe(64);
    expect(completions?.length).toBeLessThanOrEqual(40);
    expect(others).toEqual([]);
  });

  it("behaviour 79: are released when the consumer stops: somebody else runs them at once, as their first attempt", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1"), message("p-2"), message("p-3")]);
    const gate = new Gate();
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      policy: { leaseMs: 20_000 },
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
        await gate.opened;
      },
    });
    await expect.poll(() => ran, within).toEqual(["p-1"]);
    const elsewhere = guard(groupId);
    const third = { topic, headers: { "idempotency-key": "p-3" } };
    expect(await elsewhere.inspect(third)).toMatchObject({ state: "claimed" });
    const leaving = member.consumer.stop();
    await expect.poll(async () => (await elsewhere.inspect(third))?.state, within).toBe("failed");
    expect(await elsewhere.process(third, ({ attempt }) => attempt)).toMatchObject({ value: 1 });
    gate.open();
    await leaving;
    expect(ran).toEqual(["p-1"]);
    expect(await committed(groupId, topic)).toBe(1);
  });

  it("a record that ends its process again and again is counted from its second time on, and never poisons its neighbours", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(
      topic,
      ["before", "killer", "next", "last"].map((id) => message(id)),
    );
    const all: string[] = [];
    for (let life = 1; life <= 3; life += 1) {
      const { member, ran, end } = await dying(topic, groupId, (id) => id === "killer");
      await expect.poll(() => ran.some((run) => run.startsWith("killer")), within).toBe(true);
      // The client leaves the group without committing what it could not record.
      const leaving = member.close();
      end();
      await leaving;
      all.push(...ran);
    }
    expect(all.filter((run) => run.startsWith("killer"))).toEqual([
      "killer attempt 1",
      "killer attempt 1",
      "killer attempt 2",
    ]);
    const dead: string[] = [];
    const ran: string[] = [];
    const survivor = await join({
      topics: [topic],
      groupId,
      policy: { maxAttempts: 2 },
      options: {
        deadLetter: async ({ message: record }) => void dead.push(String(record.value)),
      },
      eachMessage: async ({ message: record }, { attempt }) => {
        ran.push(`${record.value} attempt ${attempt}`);
      },
    });
    await reaches(groupId, topic, 4);
    expect(dead).toEqual(["killer"]);
    expect(ran).toEqual(["next attempt 1", "last attempt 1"]);
    expect(survivor.observer.count("failed", "poison")).toBe(1);
    expect(survivor.crashes).toEqual([]);
  });

  it("records of two consumers that hold what the other one waits for are all processed", async () => {
    const topic = await newTopic(2);
    const groupId = newGroup();
    const pairs = ids.slice(0, 20);
    await send(topic, [
      ...pairs.map((id) => message(id, 0)),
      ...pairs.toReversed().map((id) => message(id, 1)),
    ]);
    const ran: string[] = [];
    const given = {
      topics: [topic],
      groupId,
      policy: { busyWaitMs: 5_000 },
      eachMessage: async ({ message: record }: { message: { value: Buffer | string | null } }) => {
        ran.push(String(record.value));
      },
    };
    const members = await Promise.all([join(given), join(given)]);
    await reaches(groupId, topic, 20, 0);
    await reaches(groupId, topic, 20, 1);
    expect(ran.toSorted()).toEqual(pairs.toSorted());
    expect(members.flatMap(({ crashes }) => crashes)).toEqual([]);
  });
});

describe("a handler of many records, with kafkajs on a real broker", () => {
  it("is given what is new, and what it fails comes again while the rest is remembered", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(
      topic,
      ["a", "b", "a", "c"].map((id) => message(id)),
    );
    const calls: string[][] = [];
    const member = await join({
      topics: [topic],
      groupId,
      options: { retryDelayMs: () => 50 },
      eachBatch: async ({ records }) => {
        calls.push(records.map(({ message: record }) => String(record.value)));
        for (const { message: record, context, fail } of records) {
          if (String(record.value) === "b" && context.attempt === 1) fail(new Error("declined"));
        }
      },
    });
    await reaches(groupId, topic, 4);
    expect(calls).toEqual([
      ["a", "b"],
      ["b", "c"],
    ]);
    expect(member.observer.names().toSorted()).toEqual([
      "duplicate",
      "failed",
      "processed",
      "processed",
      "processed",
    ]);
    expect(member.crashes).toEqual([]);
  });

  it("behaviour 78: whose consumer fails record 4 of 7 and leaves the group has that one alone run by its successor", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    const ids = ["1", "2", "3", "4", "5", "6", "7"];
    await send(
      topic,
      ids.map((id) => message(id)),
    );
    const leaving = await join({
      topics: [topic],
      groupId,
      options: { retryDelayMs: () => 60_000 },
      eachBatch: async ({ records }) => records[3]?.fail(new Error("declined")),
    });
    await reaches(groupId, topic, 3);
    await leaving.close();
    expect(leaving.observer.count("processed")).toBe(6);
    const ran: string[] = [];
    const successor = await join({
      topics: [topic],
      groupId,
      eachBatch: async ({ records }) => {
        ran.push(...records.map(({ message: record }) => String(record.value)));
      },
    });
    await reaches(groupId, topic, 7);
    expect(ran).toEqual(["4"]);
    expect(successor.observer.names().toSorted()).toEqual([
      ...Array(3).fill("duplicate"),
      "processed",
    ]);
    expect([...leaving.crashes, ...successor.crashes]).toEqual([]);
  });
});
