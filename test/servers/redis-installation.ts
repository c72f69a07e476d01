import { join } from "node:path";
import { type Cache, openCache } from "./cache-folder.js";
import {
  libraryPath,
  lookForPackages,
  type PackageSet,
  unpackPackages,
} from "./debian-packages.js";
import { findProgram } from "./program-search.js";
import { surroundings } from "./rung.js";
import type { Finding } from "./rung-choice.js";

/** Where the programs of Redis are. */
export interface RedisInstallation {
  /** Full path of `redis-server`. */
  readonly server: string;
  /** Variables that the program needs on top of ours. */
  readonly env: Readonly<Record<string, string>>;
}

const PACKAGES: PackageSet = { name: "redis", alternatives: [{ packages: ["redis-server"] }] };

/** The Redis of this machine. */
export async function redisOnPath(
  env: NodeJS.ProcessEnv = process.env,
): Promise<RedisInstallation | undefined> {
  const server = await findProgram("redis-server", env);
  return server === undefined ? undefined : { server, env: {} };
}

/** Whether {@link redisInCache} can succeed. */
export async function lookForCachedRedis(cache: Cache): Promise<Finding> {
  return lookForPackages(PACKAGES, cache);
}

/** The distribution's Redis, fetched into the cache if need be. */
export async function redisInCache(cache: Cache): Promise<RedisInstallation> {
  const root = await unpackPackages(PACKAGES, cache);
  return {
    server: join(root, "usr/bin/redis-server"),
    env: { LD_LIBRARY_PATH: await libraryPath(root) },
  };
}

/** The Redis of this machine, else the one in the cache. */
export async function findRedisInstallation(): Promise<RedisInstallation> {
  return (await redisOnPath()) ?? redisInCache(openCache(surroundings()));
}
