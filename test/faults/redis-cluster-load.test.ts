import { Cluster, Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type RedisClusterProcesses, startRedisCluster } from "./redis-cluster.js";
import { RedisLoad } from "./redis-load.js";

const clients: { disconnect(): void }[] = [];
let servers: RedisClusterProcesses;

beforeEach(async () => {
  // Without its slots the Cluster serves nothing: CLUSTERDOWN for everybody until a replica has taken over.
  const args = ["--cluster-require-full-coverage", "yes", "--cluster-replica-validity-factor", "0"];
  servers = await startRedisCluster(3, { hasReplicas: true, args });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await servers[Symbol.asyncDispose]();
});

function load(): RedisLoad {
  const members = [1, 2, 3].map(() => {
    const cluster = new Cluster([...servers.addresses], { clusterRetryStrategy: () => 50 });
    cluster.on("error", () => undefined);
    clients.push(cluster);
    return cluster;
  });
  return new RedisLoad(members);
}

async function acks(run: RedisLoad, more: number): Promise<void> {
  const from = run.acked;
  await vi.waitFor(() => expect(run.acked).toBeGreaterThan(from + more), { timeout: 40_000 });
}

describe("behaviour 62: a Cluster under load", () => {
  it("a master that is killed is replaced by its replica; nothing is lost, and every double run is reported", async () => {
    const run = load();
    run.start();
    await acks(run, 500);
    await servers.nodes[0]?.kill();
    const successor = new Redis(servers.replicas[0]?.url ?? "");
    clients.push(successor);
    await vi.waitFor(async () => expect((await successor.role())[0]).toBe("master"), {
      timeout: 40_000,
    });
    await acks(run, 500);
    await run.finish();
    await run.redeliver();
    await vi.waitFor(() => expect(run.findings).toContain("server_replaced"), { timeout: 10_000 });
    const { lost, reported, forgotten } = run.audit();
    expect(lost).toEqual([]);
    expect(reported.length + forgotten.length).toBeLessThan(100);
    expect(run.count("duplicate")).toBeGreaterThan(500);
  });

  it("slots that move away, one of which nobody serves for a while (MOVED, ASK, CLUSTERDOWN), lose nothing and double nothing unreported", async () => {
    const run = load();
    run.start();
    await acks(run, 300);
    const [from, to] = [0, 1] as const;
    const used = await servers.usedSlots(from);
    expect(used.length).toBeGreaterThan(10);
    const errors = async (): Promise<string> => {
      const stats = [from, to].map((node) => servers.client(node).info("errorstats"));
      return (await Promise.all(stats)).join("");
    };
    for (const [i, slot] of used.entries()) {
      await servers.moveSlot(slot, from, to, async () => {
        if (i > 0) return;
        await vi.waitFor(async () => expect(await errors()).toContain("errorstat_ASK"), {
          timeout: 20_000,
        });
      });
    }
    await acks(run, 300);
    const orphan = used[0] ?? 0;
    const refused = run.count("store_error");
    await servers.leaveUnserved(orphan, to, () =>
      vi.waitFor(() => expect(run.count("store_error")).toBeGreaterThan(refused), {
        timeout: 20_000,
      }),
    );
    await acks(run, 300);
    await run.finish();
    await run.redeliver();
    expect(run.audit()).toMatchObject({ lost: [], forgotten: [] });
    for (const name of ["MOVED", "ASK", "CLUSTERDOWN"]) {
      expect(await errors()).toContain(`errorstat_${name}:count=`);
    }
    expect(run.count("duplicate")).toBeGreaterThan(500);
  });
});
