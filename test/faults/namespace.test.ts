import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createDeduplicator } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startRedis } from "../servers/redis-process.js";

const PREFIX = "once:";
const DATABASES = [0, 1, 9] as const;

function connect(url: string): Redis {
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** Keys of every type, with and without expiry, some of them with names much like ours. */
async function fill(redis: Redis): Promise<void> {
  const text = randomBytes(200);
  for (const database of DATABASES) {
    await redis.select(database);
    await redis.set("app:config", text);
    await redis.set("session:1", "4711", "PX", 86_400_000);
    await redis.set("Once:{a}bcdefghijklmnopqrstuv", "1", "EX", 86_400);
    await redis.set("xonce:{a}bcdefghijklmnopqrstuv", "C1");
    await redis.set("{a}bcdefghijklmnopqrstuv", "D1");
    await redis.set("once:notes", "ours by prefix, but no record");
    await redis.rpush("list", "a", "b", text);
    await redis.sadd("set", "1", "2", "3");
    await redis.zadd("sorted", 1, "a", 2.5, "b");
    await redis.hset("hash", { field: "value", other: text });
    await redis.xadd("stream", "1-1", "field", "value");
    await redis.pfadd("visitors", "a", "b");
    await redis.setbit("bits", 1_000, 1);
    await redis.geoadd("places", 13.4, 52.5, "Berlin");
    for (let index = 0; index < 500; index += 1) await redis.set(`cache:${index}`, index);
  }
  await redis.select(0);
}

/** Every foreign key with its database, its DUMP and when it expires. */
async function contents(redis: Redis, isForeign: (key: string) => boolean) {
  const found = new Map<string, string>();
  for (const database of DATABASES) {
    await redis.select(database);
    for (const key of (await redis.keys("*")).filter(isForeign)) {
      const dump = await redis.dumpBuffer(key);
      found.set(`${database} ${key}`, `${dump?.toString("hex")} ${await redis.pexpiretime(key)}`);
    }
  }
  await redis.select(0);
  return found;
}

interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly isScripted: boolean;
}

/** All that the server executes from here on. */
async function watchServer(redis: Redis): Promise<readonly Command[]> {
  const seen: Command[] = [];
  const monitor = await redis.monitor();
  onTestFinished(() => monitor.disconnect());
  monitor.on("monitor", (_time: string, args: readonly string[], source: string) => {
    const [name = "", ...rest] = args;
    seen.push({ name: name.toLowerCase(), args: rest, isScripted: source === "lua" });
  });
  return seen;
}

/** The names of all commands that ran since the count began. */
async function countedCommands(redis: Redis): Promise<readonly string[]> {
  const stats = await redis.info("commandstats");
  const names = [...stats.matchAll(/^cmdstat_([^:]+):/gm)].map(([, name = ""]) => name);
  return names.filter((name) => name !== "config|resetstat");
}

/** The commands that SECURITY.md tells operators to allow. */
function documented(): ReadonlySet<string> {
  const text = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");
  const line = /^ACL SETUSER onlyonce .*$/m.exec(text)?.[0] ?? "";
  return new Set([...line.matchAll(/ \+(\S+)/g)].map(([, command = ""]) => command));
}

const OURS = /^once:\{[\w-]\}[\w-]{21}$/;
const newKey = (): string => randomBytes(17).toString("base64url").slice(0, 22);

/** Every verb of the store, in every way that writes or deletes. */
async function everyVerb(redis: Redis): Promise<void> {
  const store = redisStore(redis);
  const claim = () => ({
    key: newKey(),
    token: newKey(),
    leaseMs: 60_000,
    windowMs: 600_000,
    origin: { coordinates: "orders/1/2" },
  });
  const held = { ...claim(), grant: 1 };
  expect(await store.claim([held])).toMatchObject([{ status: "acquired" }]);
  expect(await store.start([held])).toEqual(["ok"]);
  expect(await store.renew([held])).toEqual(["ok"]);
  expect(await store.complete([held])).toEqual(["ok"]);
  for (const as of ["failed", "unstarted", "reset"] as const) {
    const given = { ...claim(), grant: 1 };
    await store.claim([given]);
    expect(await store.release([{ ...given, as }])).toEqual(["ok"]);
    expect(await store.forget(given.key)).toBe(true);
  }
  const unclaimed = { ...claim(), grant: 1 };
  expect(await store.renew([unclaimed])).toEqual(["restored"]);
  expect(await store.complete([{ ...claim(), grant: 1 }])).toEqual(["vanished"]);
  expect(await store.remember([claim()])).toEqual([{ status: "new" }]);
  expect(await store.inspect(held.key)).toMatchObject({ state: "completed" });
  await store.check();
  await store.close();
}

/** A deduplicator from its start, which checks the server, to its end. */
async function everyEnding(redis: Redis): Promise<void> {
  const findings: string[] = [];
  const dedup = createDeduplicator({
    store: redisStore(redis, { localCache: { maxKeys: 10 } }),
    scope: "billing",
    defaults: { maxAttempts: 1, fingerprint: ({ payload }) => payload },
    observers: [{ finding: ({ code }) => findings.push(code) }],
  });
  const order = (id: string, amount = 1) => ({ topic: "orders", id, payload: { amount } });
  const done = vi.fn();
  for (const id of ["1", "2", "1", "1"]) await dedup.process(order(id), done);
  expect(done).toHaveBeenCalledTimes(2);
  await expect(dedup.process(order("1", 2), done)).rejects.toThrow("different payload");
  const failing = () => Promise.reject(new Error("no"));
  await expect(dedup.process(order("3"), failing)).rejects.toThrow("no");
  await dedup.process(order("4"), (context) => context.skip());
  expect(await dedup.isDuplicate(order("5"))).toBe(false);
  expect(await dedup.forget(order("2"))).toBe(true);
  await vi.waitUntil(() => findings.length > 0, { timeout: 30_000 });
  await dedup.close();
}

describe("behaviour 64: start-up, every verb, forget and close", () => {
  it("touch only records under our prefix, whatever else the server keeps", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const [admin, redis] = [connect(server.url), connect(server.url)];
    await fill(admin);
    await redis.ping();
    const isForeign = (key: string): boolean => !OURS.test(key);
    const before = await contents(admin, isForeign);
    expect(before.size).toBe(DATABASES.length * 514);
    const foreignScript = (await admin.script("LOAD", "return 'somebody else'")) as string;

    const commands = await watchServer(admin.duplicate());
    await admin.config("RESETSTAT");
    await everyVerb(redis);
    await everyEnding(redis);
    const counted = await countedCommands(admin);
    await redis.echo("the end");
    await vi.waitUntil(() => commands.some(({ name }) => name === "echo"), { timeout: 30_000 });
    const seen = commands.slice(
      0,
      commands.findIndex(({ name }) => name === "echo"),
    );

    expect(await contents(admin, isForeign)).toEqual(before);
    expect(await admin.script("EXISTS", foreignScript)).toEqual([1]);
    const ours = (await admin.keys("*")).filter((key) => !before.has(`0 ${key}`));
    expect(ours.length).toBeGreaterThan(5);
    expect(ours.filter((key) => !key.startsWith(PREFIX))).toEqual([]);

    const allowed = documented();
    const isAllowed = ({ name, args }: Command): boolean =>
      allowed.has(name) || allowed.has(`${name}|${args[0]?.toLowerCase()}`);
    expect(allowed.size).toBeGreaterThan(8);
    expect(seen.filter((command) => !isAllowed(command))).toEqual([]);
    // MONITOR leaves out what only administrators may do: the server's count does not.
    expect(counted.filter((name) => !allowed.has(name))).toEqual([]);
    expect(counted).toEqual(expect.arrayContaining(["config|get", "evalsha", "info", "del"]));
    const touched = seen
      .filter(({ isScripted, name }) => isScripted && name !== "time")
      .flatMap(({ name, args }) => (name === "mget" ? args : args.slice(0, 1)));
    expect(touched.length).toBeGreaterThan(50);
    expect(touched.filter((key) => !OURS.test(key))).toEqual([]);
  });
});
