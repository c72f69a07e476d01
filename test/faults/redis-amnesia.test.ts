import { randomBytes } from "node:crypto";
import { createDeduplicator } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { RecordingObserver } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type RedisProcess, startRedis } from "../servers/redis-process.js";

async function server(...args: string[]): Promise<RedisProcess> {
  const redis = await startRedis({ args });
  onTestFinished(() => redis.stop());
  return redis;
}

function member(url: string) {
  const redis = new Redis(url);
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  const observer = new RecordingObserver();
  const dedup = createDeduplicator({
    store: redisStore(redis, { commandTimeoutMs: 500 }),
    scope: "test",
    defaults: { busyWaitMs: 10_000 },
    observers: [observer],
  });
  const changes = (): string[] =>
    observer.findings
      .map(({ code }) => code)
      .filter((code) => code === "server_replaced" || code === "keys_evicted");
  const run = (id: string) => dedup.process({ topic: "payments", id }, () => undefined);
  return { redis, observer, run, changes };
}

describe("a server that forgets", () => {
  it("behaviour 58: a restart that lost completed records is reported, because no single message can show it", async () => {
    const first = await server();
    const { run, changes } = member(first.url);
    expect((await run("p1")).outcome).toBe("processed");
    expect((await run("p1")).outcome).toBe("duplicate");
    expect(changes()).toEqual([]);
    await first.kill();
    const second = await startRedis({ port: first.port });
    onTestFinished(() => second.stop());
    expect((await run("p1")).outcome).toBe("processed");
    await vi.waitFor(() => expect(changes()).toEqual(["server_replaced"]), { timeout: 10_000 });
    expect((await run("p1")).outcome).toBe("duplicate");
    expect(changes()).toEqual(["server_replaced"]);
  });

  it("behaviour 63: evictions are reported with their number, once, and what was evicted runs again", async () => {
    const { url } = await server("--maxmemory-policy", "allkeys-random");
    const { redis, observer, run, changes } = member(url);
    expect((await run("p1")).outcome).toBe("processed");
    for (let i = 0; i < 64; i += 1) await redis.set(`filler:${i}`, randomBytes(1_000));
    await redis.config("SET", "maxmemory", "1");
    await vi.waitFor(async () => expect(await redis.dbsize()).toBe(0));
    await redis.config("SET", "maxmemory", "0");
    expect(changes()).toEqual([]);
    // A server that has lost its scripts is looked at anew, as every minute.
    await redis.script("FLUSH");
    expect((await run("p1")).outcome).toBe("processed");
    await vi.waitFor(() => expect(changes()).toEqual(["keys_evicted"]), { timeout: 10_000 });
    const evicted = observer.findings.find(({ code }) => code === "keys_evicted");
    expect(evicted).toMatchObject({ severity: "error" });
    expect(evicted?.message).toContain("thrown 65 keys away");
    await redis.script("FLUSH");
    expect((await run("p1")).outcome).toBe("duplicate");
    await vi.waitFor(async () => {
      const calls = /cmdstat_info:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1];
      expect(Number(calls)).toBeGreaterThan(6);
    });
    expect(changes()).toEqual(["keys_evicted"]);
  });
});
