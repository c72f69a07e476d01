import { Redis } from "ioredis";
import { expect, it, onTestFinished, vi } from "vitest";
import { startRedis } from "../servers/redis-process.js";
import { RedisLoad } from "./redis-load.js";
import { type SentinelSet, startSentinelSet } from "./redis-sentinel.js";

async function clientsOf(servers: SentinelSet): Promise<readonly Redis[]> {
  const clients = [1, 2, 3].map(() => {
    const redis = new Redis({
      sentinels: [...servers.sentinels],
      name: servers.name,
      sentinelRetryStrategy: () => 50,
      retryStrategy: () => 50,
    });
    redis.on("error", () => undefined);
    onTestFinished(() => redis.disconnect());
    return redis;
  });
  await Promise.all(clients.map((redis) => redis.ping()));
  return clients;
}

async function promoted({ replica }: SentinelSet): Promise<void> {
  const redis = new Redis(replica.url);
  onTestFinished(() => redis.disconnect());
  await vi.waitFor(async () => expect((await redis.role())[0]).toBe("master"), {
    timeout: 30_000,
  });
}

it("Sentinel: a master that is killed under load is replaced; nothing is lost, and every double run is reported", async () => {
  const servers = await startSentinelSet();
  onTestFinished(() => servers[Symbol.asyncDispose]());
  const load = new RedisLoad(await clientsOf(servers));
  load.start();
  await vi.waitFor(() => expect(load.acked).toBeGreaterThan(500), { timeout: 20_000 });
  await servers.master.kill();
  await promoted(servers);
  const ackedAtFailover = load.acked;
  await vi.waitFor(() => expect(load.acked).toBeGreaterThan(ackedAtFailover + 500), {
    timeout: 40_000,
  });
  await load.finish();
  await load.redeliver();
  const { lost, reported, forgotten } = load.audit();
  expect(lost).toEqual([]);
  await vi.waitFor(() => expect(load.findings).toContain("server_replaced"), { timeout: 10_000 });
  // What the master acknowledged and did not get across any more is a handful: less than was under way.
  expect(reported.length + forgotten.length).toBeLessThan(100);
  expect(load.count("duplicate")).toBeGreaterThan(500);
});

it("Sentinel: where the topic waits for the replica, the failover under load forgets nothing", async () => {
  const servers = await startSentinelSet();
  onTestFinished(() => servers[Symbol.asyncDispose]());
  const replicas = { min: 1, timeoutMs: 150 };
  const load = new RedisLoad(await clientsOf(servers), { replicas });
  load.start();
  await vi.waitFor(() => expect(load.acked).toBeGreaterThan(300), { timeout: 20_000 });
  await servers.master.kill();
  await promoted(servers);
  // Nobody can acknowledge until there is a replica again: Sentinel makes one of the former master.
  const former = await startRedis({ port: servers.master.port });
  onTestFinished(() => former.stop());
  const successor = new Redis(servers.replica.url);
  onTestFinished(() => successor.disconnect());
  await successor.config("SET", "repl-diskless-sync-delay", "0");
  const ackedAtFailover = load.acked;
  await vi.waitFor(() => expect(load.acked).toBeGreaterThan(ackedAtFailover + 300), {
    timeout: 60_000,
  });
  await load.finish();
  await load.redeliver();
  expect(load.audit()).toMatchObject({ lost: [], forgotten: [] });
  expect(load.count("store_error")).toBeGreaterThan(0);
});
