import { randomBytes } from "node:crypto";
import type { ClaimRequest } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Cluster } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type RedisClusterProcesses, startRedisCluster } from "./redis-cluster.js";

let servers: RedisClusterProcesses;
let prefix: string;

beforeAll(async () => {
  servers = await startRedisCluster(3);
}, 60_000);

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
});

beforeEach(() => {
  prefix = `t${randomBytes(4).toString("hex")}:`;
});

function clusterStore(commandTimeoutMs = 2000) {
  const cluster = new Cluster([...servers.addresses], {
    clusterRetryStrategy: () => 50,
  });
  cluster.on("error", () => undefined);
  onTestFinished(() => cluster.disconnect());
  const scripts = vi.spyOn(cluster, "evalsha");
  return { cluster, scripts, store: redisStore(cluster, { prefix, commandTimeoutMs }) };
}

/** Keys of slot groups all over the alphabet. */
function requests(count: number): ClaimRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    key: randomBytes(16).toString("base64url"),
    token: `t.${i}`,
    leaseMs: 60_000,
    windowMs: 600_000,
    origin: {},
  }));
}

const others = (claims: readonly ClaimRequest[]): ClaimRequest[] =>
  claims.map((claim) => ({ ...claim, token: `other.${claim.token}` }));
const recordKey = (key: string): string => `${prefix}{${key[0]}}${key.slice(1)}`;
const statuses = (replies: readonly { readonly status: string }[]): Set<string> =>
  new Set(replies.map(({ status }) => status));

describe("a Redis Cluster", () => {
  it("behaviour 62: a batch over all slot groups is claimed and completed, one call for each group", async () => {
    const { store, scripts } = clusterStore();
    const batch = requests(1000);
    const groups = new Set(batch.map(({ key }) => key[0])).size;
    expect(groups).toBe(64);
    expect(statuses(await store.claim(batch))).toEqual(new Set(["acquired"]));
    expect(new Set(await store.complete(batch.map((one) => ({ ...one, grant: 1 }))))).toEqual(
      new Set(["ok"]),
    );
    expect(scripts).toHaveBeenCalledTimes(2 * groups);
    for (const [, keyCount, ...keys] of scripts.mock.calls) {
      const tags = keys.slice(0, Number(keyCount)).map((key) => /\{.\}/.exec(String(key))?.[0]);
      expect(new Set(tags).size).toBe(1);
    }
    expect(statuses(await store.claim(others(batch)))).toEqual(new Set(["duplicate"]));
    const [looked] = batch;
    expect(await store.inspect(looked?.key ?? "")).toMatchObject({ state: "completed" });
    expect(await store.forget(looked?.key ?? "")).toBe(true);
  });

  it("behaviour 62: a slot that moves between two calls, and one that is on its way, are followed", async () => {
    const { store } = clusterStore();
    const [first, second, third] = requests(3).map((one) => ({
      ...one,
      key: `Q${one.key.slice(1)}`,
    }));
    if (first === undefined || second === undefined || third === undefined) expect.fail();
    const slot = Number(await servers.client(0).call("CLUSTER", "KEYSLOT", recordKey(first.key)));
    const from = servers.nodeOf(slot);
    const to = (from + 1) % 3;
    const idOf = async (node: number) => String(await servers.client(node).call("CLUSTER", "MYID"));
    const [fromId, toId] = [await idOf(from), await idOf(to)];
    expect(statuses(await store.claim([first]))).toEqual(new Set(["acquired"]));

    await servers.client(to).call("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
    await servers.client(from).call("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
    expect(statuses(await store.claim([second]))).toEqual(new Set(["acquired"]));
    expect(statuses(await store.claim(others([first])))).toEqual(new Set(["busy"]));

    // A slot group has one slot whatever the prefix: records of the other tests move along.
    const port = servers.nodes[to]?.port ?? 0;
    const mover = servers.client(from);
    const left = (await mover.call("CLUSTER", "GETKEYSINSLOT", slot, 10_000)) as string[];
    expect(left).toContain(recordKey(first.key));
    await mover.call("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", ...left);
    for (const node of [to, from, 3 - from - to]) {
      await servers.client(node).call("CLUSTER", "SETSLOT", slot, "NODE", toId);
    }
    expect(statuses(await store.claim([third]))).toEqual(new Set(["acquired"]));
    expect(
      await store.complete([first, second, third].map((one) => ({ ...one, grant: 1 }))),
    ).toEqual(["ok", "ok", "ok"]);
  });

  it("behaviour 62: when one node is down only its keys fail, the others are answered", async () => {
    const { cluster, store } = clusterStore(1000);
    const batch = requests(300);
    const slots = await Promise.all(
      batch.map(async ({ key }) => {
        const slot = Number(await servers.client(0).call("CLUSTER", "KEYSLOT", recordKey(key)));
        return { key, slot };
      }),
    );
    await store.claim(requests(200));
    const victim = 2;
    await servers.nodes[victim]?.kill();
    const replies = await store.claim(batch);
    const isServed = ({ slot }: { readonly slot: number }): boolean =>
      servers.nodeOf(slot) !== victim;
    const served = replies.filter((_, i) => isServed(slots[i] ?? { slot: 0 }));
    const unserved = replies.filter((_, i) => !isServed(slots[i] ?? { slot: 0 }));
    expect(served.length).toBeGreaterThan(100);
    expect(statuses(served)).toEqual(new Set(["acquired"]));
    expect(unserved.length).toBeGreaterThan(30);
    expect(statuses(unserved)).toEqual(new Set(["error"]));
    expect(unserved.some((reply) => "unreadable" in reply)).toBe(false);
    cluster.disconnect();
  });
});
