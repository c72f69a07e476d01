import { describeStore } from "@onlyonce/testing";
import { inject } from "vitest";
import { type RedisCommands, redisStore } from "../src/index.js";
import { CountingCommands, ownPrefix, recordKey } from "./redis-lab.js";

/** What the harness needs of a client beside what the store needs. */
export interface TestClient extends RedisCommands {
  del(...keys: string[]): Promise<unknown>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, px: "PX", ms: number): Promise<unknown>;
  pttl(key: string): Promise<number>;
  disconnect(): void;
}

const WINDOW_MS = 600_000;

/** Runs the conformance suite over clients that `connect` makes. */
export function describeRedisStore(name: string, connect: (url: string) => TestClient): void {
  describeStore(
    name,
    {
      async open() {
        const url = inject("redisUrl");
        const prefix = ownPrefix();
        const redis = connect(url);
        const clients = [redis];
        const commands = new CountingCommands(redis);
        const store = redisStore(commands, { prefix });
        return {
          store,
          advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
          async lose(key) {
            await redis.del(recordKey(prefix, key));
          },
          async corrupt(key, how) {
            const name = recordKey(prefix, key);
            const record = (await redis.get(name)) ?? "C1";
            const leftMs = Math.max(await redis.pttl(name), WINDOW_MS);
            await redis.set(name, how === "malformed" ? "no record" : newer(record), "PX", leftMs);
          },
          async peer() {
            const peer = connect(url);
            clients.push(peer);
            return redisStore(peer, { prefix });
          },
          async close() {
            await store.close();
            const keys = new Set(commands.calls.flatMap((call) => call.keys));
            if (keys.size > 0) await redis.del(...keys);
            for (const one of clients) one.disconnect();
          },
        };
      },
    },
    { clock: "real", records: "corruptible" },
  );
}

/** State and version stand first in every version; what follows is the next version's business. */
function newer(record: string): string {
  const state = /^[CF]/.exec(record)?.[0] ?? "D";
  return `${state}2 what a later version keeps`;
}
