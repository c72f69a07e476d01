import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { afterEach, describe, expect, inject, it } from "vitest";
import { DemoRun, isAlive } from "./demo-run.js";

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function demo(flags: readonly string[], env: NodeJS.ProcessEnv): DemoRun {
  const run = new DemoRun(flags, env);
  cleanups.push(() => run.remove());
  return run;
}

function onServices(...flags: readonly string[]): DemoRun {
  return demo(flags, {
    REDIS_URL: inject("redisUrl"),
    AMQP_URL: inject("amqpUrl"),
    KAFKA_BROKERS: inject("kafkaBrokers"),
  });
}

/** An environment in which no service is to be had. */
const NO_SERVICES = {
  ONLYONCE_SERVICES: "url",
  REDIS_URL: undefined,
  AMQP_URL: undefined,
  KAFKA_BROKERS: undefined,
};

/** Topics, groups and keys that demos have made and not removed. */
async function traces(): Promise<Record<"topics" | "groups" | "keys", readonly string[]>> {
  const kafka = new Kafka({
    brokers: inject("kafkaBrokers").split(","),
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  const redis = new Redis(inject("redisUrl"));
  try {
    const isDemo = (name: string): boolean => name.startsWith("demo-");
    const { groups } = await admin.listGroups();
    const keys: string[] = [];
    for await (const found of redis.scanStream({ match: "demo-*", count: 1_000 })) {
      if (Array.isArray(found)) keys.push(...found.map(String));
    }
    return {
      topics: (await admin.listTopics()).filter(isDemo),
      groups: groups.map(({ groupId }) => groupId).filter(isDemo),
      keys,
    };
  } finally {
    redis.disconnect();
    await admin.disconnect();
  }
}

describe("the demo on real brokers", () => {
  it("loses nothing and doubles nothing, whatever is killed and moved, and leaves nothing behind", async () => {
    const run = onServices("--json", "--seed", "7", "--trace");
    expect(await run.ended, run.stderr).toBe(0);
    expect(run.stderr).toBe("");
    expect(run.report).toMatchObject({ ok: true, mode: "enforce", embedded: false });
    const { rabbitmq, kafka } = run.report.brokers;
    for (const numbers of [rabbitmq, kafka]) {
      expect(numbers).toMatchObject({ tasks: 1_000, lost: 0, left: 0 });
      expect(numbers.doubled).toBe(numbers.explained);
      expect(numbers.dropped.publisher).toBe(numbers.published - 1_000);
      expect(numbers.published).toBeGreaterThan(1_000);
      expect(numbers.deliveries).toBeGreaterThan(numbers.published);
    }
    // Whether a partition moves with work that is not committed yet is a matter of luck; a kill always leaves some.
    expect(kafka.dropped.kill + kafka.dropped.rebalance).toBeGreaterThan(0);
    expect(run.stdout).toMatch(/ {6}link \(original\) to "process (payments|orders)" of \w+-\d/);
    expect(run.stdout).toMatch(/^idempotency\.messages.* duplicate \d+ .*processed /m);
    expect(run.report.total.seconds).toBeLessThan(60);

    // Told by the ledgers themselves, and not by the demo's own audit.
    for (const of of ["payments", "orders"] as const) {
      expect(new Set(run.ledger(of).map(({ id }) => id)).size).toBe(1_000);
    }
    const pids = new Set(
      [...run.ledger("payments"), ...run.ledger("orders")].map(({ pid }) => pid),
    );
    expect(pids.size).toBeGreaterThan(4);
    expect([...pids].filter(isAlive)).toEqual([]);
    await expect.poll(traces, { timeout: 10_000 }).toEqual({ topics: [], groups: [], keys: [] });
  });

  it("with --off doubles every publisher's duplicate, still loses nothing, and says so", async () => {
    const run = onServices("--off", "--json");
    expect(await run.ended, run.stderr).toBe(0);
    const { brokers, mode } = run.report;
    expect(mode).toBe("off");
    for (const numbers of [brokers.rabbitmq, brokers.kafka]) {
      expect(numbers).toMatchObject({ lost: 0, dropped: { publisher: 0, kill: 0, rebalance: 0 } });
      expect(numbers.doubledBy.publisher).toBe(numbers.published - 1_000);
      expect(numbers.doubled).toBeGreaterThanOrEqual(numbers.doubledBy.publisher);
      expect(numbers.effects).toBe(1_000 + numbers.doubled);
    }
    expect(run.stdout).toMatch(/by the publisher/);
  });

  it("stops its consumers and removes what it made when it is interrupted", async () => {
    const run = onServices();
    await expect.poll(() => run.ledger("orders").length, { timeout: 60_000 }).toBeGreaterThan(20);
    run.signal("SIGINT");
    expect(await run.ended).toBe(130);
    expect(run.stderr).toContain("Stopped by SIGINT.");
    const pids = [...run.ledger("payments"), ...run.ledger("orders")].map(({ pid }) => pid);
    expect(pids.filter(isAlive)).toEqual([]);
    // The group of a consumer that was too slow to leave stays until its session is over.
    await expect.poll(traces, { timeout: 10_000 }).toMatchObject({ topics: [], keys: [] });
  });
});

describe("the embedded demo", () => {
  it("shows the same in a few seconds and without any service", async () => {
    const run = demo(["--embedded", "--json"], NO_SERVICES);
    expect(await run.ended, run.stderr).toBe(0);
    expect(run.report).toMatchObject({ ok: true, mode: "enforce", embedded: true });
    const { total, brokers } = run.report;
    expect(total).toMatchObject({ tasks: 2_000, effects: 2_000, lost: 0, doubled: 0 });
    expect(brokers.kafka.dropped.rebalance).toBeGreaterThan(0);
    expect(total.seconds).toBeLessThan(5);
  });

  it("shows the doubles with --off", async () => {
    const run = demo(["--embedded", "--off", "--json", "--seed", "3"], NO_SERVICES);
    expect(await run.ended, run.stderr).toBe(0);
    const { total } = run.report;
    expect(total).toMatchObject({ lost: 0, doubledBy: { publisher: total.published - 2_000 } });
  });
});

describe("what the demo can't do", () => {
  it("without services it says what to do, and ends with exit code 2", async () => {
    const run = demo([], NO_SERVICES);
    expect(await run.ended).toBe(2);
    expect(run.stderr).toContain("REDIS_URL");
  });

  it("an unknown flag is answered with the usage and exit code 2", async () => {
    const run = demo(["--fast"], NO_SERVICES);
    expect(await run.ended).toBe(2);
    expect(run.stderr).toMatch(/--fast[\s\S]*Usage: npm run demo/);
  });
});
