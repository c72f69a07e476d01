import { createDeduplicator, type Store } from "@onlyonce/core";
import { type RedisCommands, type RedisStoreOptions, redisStore } from "@onlyonce/redis";
import { Cluster, Redis } from "ioredis";
import { Cluster as OlderCluster, Redis as OlderRedis } from "ioredis-5";
import { Redis as Valkey, Cluster as ValkeyCluster } from "iovalkey";

const options: RedisStoreOptions = {
  prefix: "billing:",
  commandTimeoutMs: 500,
  maxKeysPerCall: 64,
  maxCallsInFlight: 2,
};
const clients: readonly RedisCommands[] = [
  new Redis("redis://localhost"),
  new Cluster([{ host: "localhost", port: 7_000 }]),
  new OlderRedis("redis://localhost"),
  new OlderCluster([{ host: "localhost", port: 7_000 }]),
  new Valkey("redis://localhost"),
  new ValkeyCluster([{ host: "localhost", port: 7_000 }]),
];
const stores: readonly Store[] = clients.map((client) => redisStore(client, options));
for (const store of stores) createDeduplicator({ store, scope: "billing" });

// What must not compile.
// @ts-expect-error a client, not a URL
redisStore("redis://localhost");
// @ts-expect-error an unknown option
redisStore(new Redis(), { ttl: 60 });
// @ts-expect-error a prefix is a string
redisStore(new Redis(), { prefix: 1 });
