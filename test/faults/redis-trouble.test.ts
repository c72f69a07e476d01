import { rm } from "node:fs/promises";
import { createDeduplicator, type TopicPolicy } from "@onlyonce/core";
import { attend } from "@onlyonce/core/adapter";
import { redisStore } from "@onlyonce/redis";
import { RecordingObserver, startTcpProxy } from "@onlyonce/testing";
import { Redis, type RedisOptions } from "ioredis";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { freePort } from "../servers/free-port.js";
import { type RedisProcess, startRedis } from "../servers/redis-process.js";

async function server(...args: string[]): Promise<RedisProcess> {
  const redis = await startRedis({ args });
  onTestFinished(() => redis.stop());
  return redis;
}

/** Without a ready check the client passes on what a server says that is not ready. */
function client(url: string, options: Omit<RedisOptions, "replyMapping"> = {}): Redis {
  const redis = new Redis(url, {
    ...{ enableReadyCheck: false, retryStrategy: () => 50 },
    ...options,
  });
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redis;
}

function member(redis: Redis, policy: TopicPolicy = {}) {
  const observer = new RecordingObserver();
  const dedup = createDeduplicator({
    store: redisStore(redis, { commandTimeoutMs: 800 }),
    scope: "test",
    defaults: { ackTimeoutMs: 30_000, busyWaitMs: 300, ...policy },
    observers: [observer],
  });
  return { dedup, observer };
}

interface Trouble {
  readonly args?: readonly string[];
  /** Short where a claim that was given up may only end with its lease. @defaultValue 12,000 */
  readonly leaseMs?: number;
  /** What the server says to a claim, or the store where the server says nothing. */
  readonly says: RegExp;
  /** Resolves with what ends it. `admin` is a connection that was there before. */
  begin(server: RedisProcess, admin: Redis): Promise<() => Promise<unknown>>;
}

const TROUBLES: Readonly<Record<string, Trouble>> = {
  "OOM: its memory is full": {
    says: /OOM|maxmemory/,
    begin: async (_, admin) => {
      await admin.config("SET", "maxmemory", "1");
      return () => admin.config("SET", "maxmemory", "0");
    },
  },
  "READONLY: it was made a replica": {
    says: /READONLY/,
    begin: async (_, admin) => {
      await admin.replicaof("127.0.0.1", await freePort());
      return () => admin.replicaof("NO", "ONE");
    },
  },
  "BUSY: somebody's script runs for ever": {
    args: ["--lua-time-limit", "20"],
    says: /BUSY/,
    begin: async ({ url }, admin) => {
      const other = client(url);
      other.eval("while true do end", 0).catch(() => undefined);
      await vi.waitFor(async () => await expect(admin.get("x")).rejects.toThrow("BUSY"), {
        timeout: 10_000,
      });
      return () => admin.script("KILL");
    },
  },
  "NOAUTH: it wants a password from now on": {
    leaseMs: 4_800,
    says: /NOAUTH/,
    begin: async (_, admin) => {
      await admin.config("SET", "requirepass", "secret");
      await admin.call("AUTH", "secret");
      await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      return () => admin.config("SET", "requirepass", "");
    },
  },
  "MISCONF: its disk can't be written": {
    args: ["--save", "3600 1000000"],
    says: /MISCONF/,
    begin: async ({ dir }, admin) => {
      await rm(dir, { recursive: true });
      await admin.bgsave();
      await vi.waitFor(async () => {
        expect(await admin.info("persistence")).toContain("rdb_last_bgsave_status:err");
      });
      return () => admin.config("SET", "save", "");
    },
  },
  "LOADING: it restarted and reads its data": {
    says: /LOADING/,
    begin: async ({ port, dir, url, kill }, admin) => {
      const filler = Array.from({ length: 400 }, (_, i) => [`filler:${i}`, "x".repeat(2_000)]);
      await admin.mset(...filler.flat());
      await admin.save();
      await kill();
      const slow = ["--key-load-delay", "8000", "--loading-process-events-interval-bytes", "1024"];
      const starting = startRedis({ port, dir, args: slow });
      onTestFinished(async () => (await starting).stop());
      const looking = client(url);
      await vi.waitFor(async () => await expect(looking.get("x")).rejects.toThrow("LOADING"), {
        timeout: 10_000,
        interval: 10,
      });
      return () => starting;
    },
  },
  "it is frozen": {
    leaseMs: 4_800,
    says: /did not answer within commandTimeoutMs/,
    begin: async (frozen) => {
      frozen.pause();
      return async () => frozen.resume();
    },
  },
};

describe("behaviours 54 and 56: a server in trouble", () => {
  it.each(Object.entries(TROUBLES))(
    "%s: nothing new runs, what runs is finished, nothing is lost or doubled",
    async (_name, { args = [], leaseMs = 12_000, says, begin }) => {
      const redis = await server(...args);
      const admin = client(redis.url);
      const { dedup, observer } = member(client(redis.url), { leaseMs });
      const effects: string[] = [];
      const run = (id: string) =>
        attend(dedup, { topic: "payments", id }, ({ attempt }) => {
          effects.push(`${id}:${attempt}`);
        });
      expect((await run("before")).outcome).toBe("processed");
      let finish: (() => void) | undefined;
      const running = attend(dedup, { topic: "payments", id: "running" }, () => {
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      });
      await vi.waitFor(() => expect(finish).toBeDefined());
      const end = await begin(redis, admin);

      const ids = ["a", "b", "c"];
      const refused = await Promise.all(ids.map(run));
      for (const verdict of refused) {
        expect(verdict).toMatchObject({ outcome: "store_error", settlement: "retry" });
      }
      expect(refused.map(({ error }) => String(error)).join()).toMatch(says);
      expect(["duplicate", "store_error"]).toContain((await run("before")).outcome);
      expect(effects).toEqual(["before:1"]);
      finish?.();
      await end();

      expect(await running).toMatchObject({ outcome: "processed", settlement: "ack" });
      for (const id of ids) {
        await vi.waitFor(async () => expect((await run(id)).settlement).toBe("ack"), {
          timeout: 15_000,
        });
      }
      expect(effects).toEqual(["before:1", "a:1", "b:1", "c:1"]);
      for (const id of ["before", "running", ...ids]) {
        expect((await run(id)).outcome).toBe("duplicate");
      }
      // `late`: on a slow machine the trouble may outlast the lease.
      const details = new Set(observer.outcomes.map(({ detail }) => detail ?? "late"));
      expect([...details]).toEqual(["late"]);
    },
  );

  it("a connection that dies in silence: a client with socketTimeout comes back by itself, one without goes on waiting", async () => {
    const { url, port } = await server();
    const proxy = await startTcpProxy({ target: { host: "127.0.0.1", port } });
    onTestFinished(() => proxy.close());
    const run = async ({ dedup }: ReturnType<typeof member>, id: string) =>
      (await attend(dedup, { topic: "payments", id }, () => undefined)).outcome;
    const watchful = member(client(proxy.url(url), { socketTimeout: 1_500 }));
    const trusting = member(client(proxy.url(url)));
    for (const one of [watchful, trusting]) await run(one, "before");
    // What was sent by now is under way for ever; new connections are as good as ever.
    proxy.delay(600_000);
    expect(await Promise.all([run(watchful, "a"), run(trusting, "b")])).toEqual([
      "store_error",
      "store_error",
    ]);
    proxy.delay(0);
    await vi.waitFor(async () => expect(await run(watchful, "c")).toBe("processed"), {
      timeout: 15_000,
    });
    expect(await run(trusting, "d")).toBe("store_error");
  });

  it("NOSCRIPT: a server that forgets its scripts in the middle is told them again, and nobody notices", async () => {
    const { url } = await server();
    const { dedup, observer } = member(client(url));
    const admin = client(url);
    for (let i = 0; i < 20; i += 1) {
      const id = `m${i}`;
      await attend(dedup, { topic: "payments", id }, () => admin.script("FLUSH"));
      await attend(dedup, { topic: "payments", id }, () => undefined);
    }
    expect(observer.names()).toEqual(Array(20).fill(["processed", "duplicate"]).flat());
  });
});
