import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import type { ClaimRequest } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Redis, type RedisOptions } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type RedisProcess, startRedis } from "../servers/redis-process.js";
import { REPLICATE_AT_ONCE, replicated } from "./redis-replica.js";

async function server(...args: string[]): Promise<RedisProcess> {
  const redis = await startRedis({ args: ["--maxmemory", "200mb", ...args] });
  onTestFinished(() => redis.stop());
  return redis;
}

function client(url: string, options: Omit<RedisOptions, "replyMapping"> = {}): Redis {
  const redis = new Redis(url, {
    ...{ commandTimeout: 5000, socketTimeout: 10_000, enableReadyCheck: false },
    ...options,
  });
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redis;
}

async function findings(redis: Redis): Promise<string[]> {
  return (await redisStore(redis).check()).map(({ code, severity }) => `${severity}: ${code}`);
}

function request(overrides: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    key: randomBytes(16).toString("base64url"),
    token: "T",
    leaseMs: 60_000,
    windowMs: 600_000,
    origin: {},
    ...overrides,
  };
}

describe("check", () => {
  it("behaviour 63: an eviction policy other than noeviction is an error that says what to set", async () => {
    const { url } = await server("--maxmemory-policy", "volatile-lru");
    const found = await redisStore(client(url)).check();
    const eviction = found.find(({ code }) => code === "eviction_enabled");
    expect(eviction?.severity).toBe("error");
    expect(eviction?.message).toContain("volatile-lru");
    expect(eviction?.message).toContain("maxmemory-policy noeviction");
  });

  it("a server that keeps everything on disk and has room gives no findings", async () => {
    const { url } = await server("--appendonly", "yes");
    expect(await findings(client(url))).toEqual([]);
  });

  it("a server without any persistence is a warning, one with snapshots only an info", async () => {
    const { url } = await server();
    const redis = client(url);
    expect(await findings(redis)).toEqual(["warning: persistence_off"]);
    await redis.config("SET", "save", "3600 1");
    expect(await findings(redis)).toEqual(["info: persistence_snapshots_only"]);
  });

  it("a server that is nearly full is a warning", async () => {
    const { url } = await server("--appendonly", "yes");
    const redis = client(url);
    for (let i = 0; i < 30; i += 1) await redis.set(`filler:${i}`, "x".repeat(1_000_000));
    // What was used for the way in is given back bit by bit.
    await vi.waitFor(async () => {
      const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
      await redis.config("SET", "maxmemory", String(Math.ceil(used * 1.05)));
      expect(await findings(redis)).toEqual(["warning: memory_nearly_full"]);
    });
  });

  it("behaviour 63: keys that were evicted since the server started are an error, whatever the policy is now", async () => {
    const { url } = await server("--appendonly", "yes");
    const redis = client(url);
    await redis.set("filler", "x");
    await redis.config("SET", "maxmemory", "1", "maxmemory-policy", "allkeys-random");
    await vi.waitFor(async () => expect(await redis.dbsize()).toBe(0));
    await redis.config("SET", "maxmemory", "200mb", "maxmemory-policy", "noeviction");
    expect(await findings(redis)).toEqual(["error: keys_evicted"]);
  });

  it("a server without a memory limit is an info", async () => {
    const { url } = await server("--appendonly", "yes", "--maxmemory", "0");
    expect(await findings(client(url))).toEqual(["info: memory_unlimited"]);
  });

  it("a server whose memory is full is an error", async () => {
    const { url } = await server("--appendonly", "yes");
    const redis = client(url);
    await redis.config("SET", "maxmemory", "1");
    expect(await findings(redis)).toEqual(["warning: memory_nearly_full", "error: memory_full"]);
  });

  it("a server that can't write to its disk is an error, and so are the changes that it refuses", async () => {
    const { url, dir } = await server("--save", "3600 1000000");
    const redis = client(url);
    await rm(dir, { recursive: true });
    await redis.set("filler", "x");
    await redis.bgsave();
    await vi.waitFor(async () => {
      expect(await redis.info("persistence")).toContain("rdb_last_bgsave_status:err");
    });
    expect(await findings(redis)).toEqual([
      "info: persistence_snapshots_only",
      "error: persistence_failing",
      "error: writes_stopped",
    ]);
    // Or it would refuse to end.
    await redis.config("SET", "save", "");
  });

  it("a command that the server does not know, and one that the user may not give, are errors", async () => {
    const renamed = await server("--appendonly", "yes", "--rename-command", "TIME", "");
    expect(await findings(client(renamed.url))).toEqual(["error: command_missing"]);
    const { url } = await server("--appendonly", "yes");
    const rules = ["on", ">secret", "~*", "+@all"];
    await client(url).call("ACL", "SETUSER", "app", ...rules, "-set");
    await client(url).call("ACL", "SETUSER", "other", ...rules, "resetkeys", "~other:*");
    for (const username of ["app", "other"]) {
      expect(await findings(client(url, { username, password: "secret" }))).toEqual([
        "error: command_refused",
      ]);
    }
  });

  it("a replica that is behind is a warning, and one that a topic waits for in vain an error", async () => {
    const primary = await server("--appendonly", "yes", ...REPLICATE_AT_ONCE);
    const replica = await server("--replicaof", "127.0.0.1", `${primary.port}`);
    await replicated(primary, replica);
    const redis = client(primary.url);
    expect(await findings(redis)).toEqual([]);
    replica.pause();
    for (let i = 0; i < 3; i += 1) await redis.set("filler", "x".repeat(1_000_000));
    expect(await findings(redis)).toEqual(["warning: replica_lagging"]);
    const store = redisStore(redis);
    await store.claim([request({ replicas: { min: 1, timeoutMs: 50 } })]).catch(() => undefined);
    const codes = (await store.check()).map(({ code }) => code);
    expect(codes).toEqual(["replica_lagging", "replicas_too_few"]);
    await store.close();
  });

  it("every finding says what can go wrong and what to set or do", async () => {
    const { url } = await server("--maxmemory-policy", "allkeys-lru", "--maxmemory", "0");
    const plain = new Redis(url, { maxRetriesPerRequest: null });
    onTestFinished(() => plain.disconnect());
    const found = await redisStore(plain).check();
    expect(found).toHaveLength(6);
    for (const { message } of found) expect(message).toMatch(/\b(?:set|enableOfflineQueue)\b/i);
  });

  it("a server that refuses INFO or CONFIG is told apart from one that is fine", async () => {
    const { url } = await server();
    await client(url).call("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-info");
    await client(url).call("ACL", "SETUSER", "half", "on", ">secret", "~*", "+@all", "-config");
    expect(await findings(client(url, { username: "app", password: "secret" }))).toEqual([
      "info: info_refused",
    ]);
    expect(await findings(client(url, { username: "half", password: "secret" }))).toEqual([
      "info: persistence_unknown",
    ]);
  });

  it("a replica is an error, because it refuses claims", async () => {
    const primary = await server();
    const { url } = await server(
      "--appendonly",
      "yes",
      "--replicaof",
      "127.0.0.1",
      `${primary.port}`,
    );
    expect(await findings(client(url))).toEqual(["error: server_is_replica"]);
  });

  it("client settings that matter are named", async () => {
    const { url } = await server("--appendonly", "yes");
    const plain = new Redis(url);
    onTestFinished(() => plain.disconnect());
    expect(await findings(plain)).toEqual([
      "info: client_offline_queue",
      "info: client_no_socket_timeout",
    ]);
    expect(await findings(client(url, { maxRetriesPerRequest: null }))).toEqual([
      "info: client_retries_forever",
    ]);
    expect(await findings(client(url, { commandTimeout: 100 }))).toEqual([
      "info: client_timeout_shorter",
    ]);
    expect(await findings(client(url, { keyPrefix: "{all}" }))).toEqual([
      "error: client_key_prefix_braces",
    ]);
  });
});

describe("a server whose memory is full", () => {
  it("refuses new claims, but answers duplicates and records completions, releases and renewals", async () => {
    const { url } = await server("--maxmemory-policy", "noeviction");
    const redis = client(url);
    const store = redisStore(redis);
    const [done, running, failing, fresh] = [request(), request(), request(), request()];
    await store.claim([done, running, failing]);
    await store.complete([{ ...done, grant: 1 }]);
    await store.release([{ ...request(), as: "unstarted" }]);
    await redis.config("SET", "maxmemory", "1");
    await expect(store.claim([fresh])).rejects.toThrow(/OOM|maxmemory/);
    expect(await store.claim([{ ...done, token: "other" }])).toMatchObject([
      { status: "duplicate" },
    ]);
    expect(await store.renew([{ ...running, grant: 1 }])).toEqual(["ok"]);
    expect(await store.start([{ ...running, grant: 1 }])).toEqual(["ok"]);
    expect(await store.complete([{ ...running, grant: 1 }])).toEqual(["ok"]);
    expect(await store.release([{ ...failing, grant: 1, as: "failed" }])).toEqual(["ok"]);
    await redis.config("SET", "maxmemory", "0");
    expect(await store.claim([fresh])).toMatchObject([{ status: "acquired", attempt: 1 }]);
  });
});
