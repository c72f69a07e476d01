import { setTimeout } from "node:timers/promises";
import type { Redis } from "ioredis";

/** Of a server that must be started with these, so that {@link settle} can look into it. */
export const MEMORY_ARGS: readonly string[] = ["--enable-debug-command", "local"];

const REHASHING = /rehashing target/;
/** The server tidies up so often a second. */
const BUSY_HZ = 500;
const USUAL_HZ = 10;
const LOOK_MS = 300;

export async function usedBytes(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1]);
}

/**
 * Waits until used memory is what it stays: expired keys are gone, and no table is moving. (One that grows lives twice
 * for a while, and every command moves a bit of it.)
 */
export async function settle(redis: Redis): Promise<void> {
  await redis.config("SET", "hz", BUSY_HZ);
  let before = Number.NaN;
  for (let keys = await redis.dbsize(); keys !== before; keys = await redis.dbsize()) {
    before = keys;
    await setTimeout(LOOK_MS);
  }
  while (REHASHING.test(String(await redis.debug("HTSTATS", 0)))) await setTimeout(LOOK_MS);
  await redis.config("SET", "hz", USUAL_HZ);
}
