import { findProgram } from "./program-search.js";
import { ServiceUnavailableError } from "./service.js";

/** Where the programs of Redis are. */
export interface RedisInstallation {
  /** Full path of `redis-server`. */
  readonly server: string;
  /** Variables that the program needs on top of ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** The Redis of this machine. */
export async function redisOnPath(
  env: NodeJS.ProcessEnv = process.env,
): Promise<RedisInstallation | undefined> {
  const server =
    (await findProgram("redis-server", env)) ?? (await findProgram("valkey-server", env));
  return server === undefined ? undefined : { server, env: {} };
}

/** The Redis of this machine, else the one in the cache. */
export async function findRedisInstallation(): Promise<RedisInstallation> {
  const found = await redisOnPath();
  if (found === undefined) throw new ServiceUnavailableError("redis-server is not installed");
  return found;
}
