import type { Redis } from "ioredis";

/** Removes this run's keys from Redis; gives how many there were. Nobody else's begin with a run's own prefix. */
export async function removeKeys(redis: Redis, prefix: string): Promise<number> {
  let removed = 0;
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
    if (Array.isArray(keys) && keys.length > 0) removed += await redis.unlink(...keys.map(String));
  }
  return removed;
}
