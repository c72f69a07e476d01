import { systemClock } from "@onlyonce/core/internal";
import { FaultyStore, startTcpProxy, type TcpProxy } from "@onlyonce/testing";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import {
  committed,
  Gate,
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

/** A way to the test's Redis that the test can block. */
async function newRoad(): Promise<TcpProxy> {
  const { hostname, port } = new URL(inject("redisUrl"));
  const proxy = await startTcpProxy({ target: { host: hostname, port: Number(port || 6379) } });
  onTestFinished(() => proxy.close());
  return proxy;
}

function block(road: TcpProxy): void {
  road.refuseConnections();
  road.cut();
}

describe("Redis cannot be reached, with kafkajs on a real broker", () => {
  it("behaviour 54: nothing is run, resolved, counted as an attempt or dead-lettered, until it is back", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1"), message("p-2")]);
    const road = await newRoad();
    block(road);
    const attempts: string[] = [];
    const dead: unknown[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      store: newStore(road.url(inject("redisUrl"))),
      policy: { maxAttempts: 1 },
      options: {
        retryDelayMs: () => 50,
        deadLetter: async (payload) => {
          dead.push(payload);
        },
      },
      eachMessage: async ({ message: record }, { attempt }) => {
        attempts.push(`${record.value} attempt ${attempt}`);
      },
    });
    await expect.poll(() => member.observer.count("store_error"), within).toBeGreaterThanOrEqual(3);
    expect([attempts, dead]).toEqual([[], []]);
    expect(await committed(groupId, topic)).toBe(-1);
    road.restore();
    await reaches(groupId, topic, 2);
    expect(attempts).toEqual(["p-1 attempt 1", "p-2 attempt 1"]);
    expect(dead).toEqual([]);
    expect(member.observer.count("processed")).toBe(2);
    expect(member.crashes).toEqual([]);
  });

  it("behaviour 55: with onStoreDown: process each message runs once, is reported as unprotected, and is resolved", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1"), message("p-2")]);
    const road = await newRoad();
    block(road);
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      store: newStore(road.url(inject("redisUrl"))),
      policy: { onStoreDown: "process" },
      eachMessage: async ({ message: record }) => {
        ran.push(String(record.value));
      },
    });
    await reaches(groupId, topic, 2);
    expect(ran).toEqual(["p-1", "p-2"]);
    expect(member.observer.names()).toEqual(["unprotected:store_down", "unprotected:store_down"]);
  });

  it("while a handler runs: its completion is sent again once Redis is back, then the offset is resolved", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1")]);
    await send(topic, [message("p-1")]);
    const road = await newRoad();
    const gate = new Gate();
    let runs = 0;
    const store = new FaultyStore(newStore(road.url(inject("redisUrl"))), systemClock);
    const member = await join({
      topics: [topic],
      groupId,
      store,
      policy: { leaseMs: 20_000 },
      eachMessage: async () => {
        runs += 1;
        await gate.opened;
      },
    });
    await expect.poll(() => runs, within).toBe(1);
    block(road);
    gate.open();
    await expect.poll(() => store.count("complete"), within).toBeGreaterThanOrEqual(2);
    expect(await committed(groupId, topic)).toBe(-1);
    road.restore();
    await reaches(groupId, topic, 2);
    expect(runs).toBe(1);
    expect(member.observer.names()).toEqual(["processed", "duplicate"]);
  });

  it("behaviour 26: when the work is done but cannot be recorded, its offset is resolved all the same, and it is reported", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    await send(topic, [message("p-1")]);
    const road = await newRoad();
    let runs = 0;
    const member = await join({
      topics: [topic],
      groupId,
      store: newStore(road.url(inject("redisUrl"))),
      eachMessage: async () => {
        runs += 1;
        block(road);
      },
    });
    await reaches(groupId, topic, 1);
    expect(runs).toBe(1);
    expect(member.observer.names()).toEqual(["processed:unrecorded"]);
  });
});
