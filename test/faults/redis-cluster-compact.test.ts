import { randomBytes } from "node:crypto";
import type { ClaimRequest } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Cluster } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type RedisClusterProcesses, startRedisCluster } from "./redis-cluster.js";

const WINDOW_MS = 600_000;
const LAYOUT = { kind: "compact", windowMs: WINDOW_MS, expectedPerWindow: 100_000 } as const;
const PREFIX = "compact:";

let servers: RedisClusterProcesses;

beforeAll(async () => {
  servers = await startRedisCluster(3);
}, 60_000);

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
});

function compactStore() {
  const cluster = new Cluster([...servers.addresses], { clusterRetryStrategy: () => 50 });
  cluster.on("error", () => undefined);
  onTestFinished(() => cluster.disconnect());
  const options = { prefix: PREFIX, commandTimeoutMs: 5_000, layout: LAYOUT };
  return { cluster, store: redisStore(cluster, options) };
}

function requests(count: number, first?: string): ClaimRequest[] {
  return Array.from({ length: count }, (_, place) => {
    const key = randomBytes(16).toString("base64url");
    return {
      key: first === undefined ? key : first + key.slice(1),
      token: `t.${place}`,
      leaseMs: 100,
      windowMs: WINDOW_MS,
      origin: {},
    };
  });
}

const others = (claims: readonly ClaimRequest[]): ClaimRequest[] =>
  claims.map((claim) => ({ ...claim, token: `other.${claim.token}` }));
const recordKey = (key: string): string => `${PREFIX}{${key[0]}}${key.slice(1)}`;

/** Completes keys and waits until nothing but their numbers is left. */
async function completeAndFade(
  { cluster, store }: ReturnType<typeof compactStore>,
  batch: readonly ClaimRequest[],
): Promise<void> {
  await store.claim(batch);
  await store.complete(batch.map((one) => ({ ...one, grant: 1 })));
  await vi.waitFor(async () => {
    const there = await Promise.all(batch.map(({ key }) => cluster.exists(recordKey(key))));
    expect(there.filter((count) => count > 0)).toEqual([]);
  }, 15_000);
}

describe("the compact layout on a Redis Cluster", () => {
  it("behaviour 62: a batch over all slot groups is completed, and known by its numbers", async () => {
    const made = compactStore();
    const batch = requests(1000);
    expect(new Set(batch.map(({ key }) => key[0])).size).toBe(64);
    await completeAndFade(made, batch);
    const replies = await made.store.claim(others(batch));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set(["duplicate"]));
    const fresh = await made.store.claim(requests(200));
    expect(new Set(fresh.map(({ status }) => status))).toEqual(new Set(["acquired"]));
  });

  it("behaviour 62: while its slot moves a completed key is never new, and afterwards it is a duplicate", async () => {
    const made = compactStore();
    const batch = requests(400, "Q");
    await completeAndFade(made, batch);
    const [one] = batch;
    const slot = Number(
      await servers.client(0).call("CLUSTER", "KEYSLOT", recordKey(one?.key ?? "")),
    );
    const from = servers.nodeOf(slot);
    const answers: string[] = [];
    await servers.moveSlot(slot, from, (from + 1) % 3, async () => {
      // One by one, so that each meets sets that have moved, sets that have not, and both.
      for (const claim of others(batch.slice(0, 20))) {
        const { store } = made;
        const answer = await store.claim([claim]).then(
          ([reply]) => reply?.status ?? "none",
          () => "refused",
        );
        answers.push(answer);
        if (answer === "refused") break;
      }
    });
    expect(answers.filter((answer) => answer !== "duplicate" && answer !== "refused")).toEqual([]);
    expect(answers.length).toBeGreaterThan(0);
    const replies = await made.store.claim(others(batch));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set(["duplicate"]));
  });
});
