import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createDeduplicator, jsonField } from "@onlyonce/core";
import { Redis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { redisStore } from "../src/index.js";

/** What SECURITY.md tells operators to type. */
function documentedRules(): string[] {
  const text = readFileSync(new URL("../../../SECURITY.md", import.meta.url), "utf8");
  const line = /^ACL SETUSER onlyonce on >password (~once:\* .*)$/m.exec(text)?.[1];
  return (line ?? "").split(" ");
}

function connect(): Redis {
  const redis = new Redis(inject("redisUrl"));
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** What the compact layout needs more. */
function compactRules(): string[] {
  const text = readFileSync(new URL("../../../SECURITY.md", import.meta.url), "utf8");
  return (/layout `compact`\s+`(\+[^`]*)`/.exec(text)?.[1] ?? "").split(" ");
}

/** A client with the documented privileges and nothing else. */
async function restricted(more: readonly string[] = []): Promise<{
  readonly admin: Redis;
  readonly user: Redis;
  readonly name: string;
}> {
  const admin = connect();
  const name = `onlyonce-${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  await admin.call("ACL", "SETUSER", name, "on", `>${password}`, ...documentedRules(), ...more);
  const user = admin.duplicate({ username: name, password });
  onTestFinished(async () => {
    user.disconnect();
    await admin.call("ACL", "DELUSER", name);
  });
  return { admin, user, name };
}

/** A prefix of the test's own, inside the documented one. */
function prefixUnder(prefix: string): string {
  return `${prefix}${randomBytes(6).toString("hex")}:`;
}

async function storedUnder(redis: Redis, prefix: string): Promise<string[]> {
  const keys = await redis.keys(`${prefix}*`);
  const values = await Promise.all(keys.map((key) => redis.getBuffer(key)));
  return [...keys, ...values.map((value) => String(value?.toString("latin1")))];
}

describe("the privileges that SECURITY.md names", () => {
  it("are enough for every call of the store", async () => {
    const { admin, user, name } = await restricted();
    const store = redisStore(user, { prefix: prefixUnder("once:") });
    const key = randomBytes(17).toString("base64url").slice(0, 22);
    const request = { key, token: "t", leaseMs: 60_000, windowMs: 600_000, origin: {} };
    const held = { ...request, grant: 1 };
    expect(await store.claim([request])).toMatchObject([{ status: "acquired" }]);
    expect(await store.start([held])).toEqual(["ok"]);
    expect(await store.renew([held])).toEqual(["ok"]);
    expect(await store.release([{ ...held, as: "reset" }])).toEqual(["ok"]);
    expect(await store.remember([{ ...request, token: "u" }])).toEqual([{ status: "new" }]);
    expect(await store.complete([held])).toEqual(["stolen"]);
    expect(await store.inspect(key)).toMatchObject({ state: "completed" });
    expect(await store.forget(key)).toBe(true);
    const codes = (await store.check()).map(({ code }) => code);
    expect(codes.filter((code) => /refused|unknown/.test(code))).toEqual([]);
    // What this server may not ask for: it caches scripts, and tells its settings only if it keeps nothing on disk.
    for (const command of [
      ["EVAL", "return 1", "0"],
      ["CONFIG", "GET", "save"],
    ]) {
      expect(await admin.call("ACL", "DRYRUN", name, ...command)).toBe("OK");
    }
  });

  it("are enough for the compact layout with those that it needs more", async () => {
    const { user } = await restricted(compactRules());
    const layout = { kind: "compact", windowMs: 600_000, expectedPerWindow: 1_000 } as const;
    const store = redisStore(user, { prefix: prefixUnder("once:"), layout });
    const key = randomBytes(16).toString("base64url");
    const request = { key, token: "t", leaseMs: 60_000, windowMs: 600_000, origin: {} };
    const held = { ...request, grant: 1 };
    expect(await store.claim([request])).toMatchObject([{ status: "acquired" }]);
    expect(await store.renew([held])).toEqual(["ok"]);
    expect(await store.complete([held])).toEqual(["ok"]);
    expect(await store.remember([{ ...request, token: "u" }])).toMatchObject([
      { status: "duplicate" },
    ]);
    expect(await store.inspect(key)).toMatchObject({ state: "completed" });
    expect(await store.check()).not.toContainEqual(
      expect.objectContaining({ code: "info_refused" }),
    );
    expect(await store.forget(key)).toBe(true);
  });

  it("end at the prefix", async () => {
    const { user } = await restricted();
    const store = redisStore(user, { prefix: prefixUnder("other:") });
    const dedup = createDeduplicator({ store, scope: "billing", observers: [] });
    await expect(dedup.isDuplicate({ topic: "payments", id: "p-1" })).rejects.toMatchObject({
      code: "ERR_ONLYONCE_STORE",
    });
    await dedup.close();
  });
});

it("what is stored tells neither ids nor payloads nor headers, and a result only where it is asked for", async () => {
  const redis = connect();
  const prefix = prefixUnder("once:");
  const dedup = createDeduplicator({
    store: redisStore(redis, { prefix }),
    scope: "billing",
    defaults: { key: jsonField("/customer"), fingerprint: ({ payload }) => payload },
    observers: [],
  });
  const delivery = {
    topic: "payments",
    id: "id-4711",
    payload: { customer: "customer-4711" },
    headers: { authorization: "header-4711" },
    recordKey: "record-4711",
  };
  await dedup.process(delivery, () => "result-4711");
  await dedup.close();
  const stored = await storedUnder(redis, prefix);
  expect(stored).toHaveLength(2);
  expect(stored.filter((text) => text.includes("4711"))).toEqual([]);
});

it("a URL that was given instead of a client is not quoted: it may hold a password", () => {
  const url = "redis://onlyonce:password@localhost";
  expect(() => redisStore(url as unknown as Redis)).toThrow(
    "redis must be an ioredis client, got a value of type string",
  );
});
