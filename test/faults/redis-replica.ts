import { Redis } from "ioredis";
import { until } from "../servers/deadline.js";
import type { RedisProcess } from "../servers/redis-process.js";

/** For the primary: by default it waits five seconds for more replicas before it sends its data. */
export const REPLICATE_AT_ONCE: readonly string[] = ["--repl-diskless-sync-delay", "0"];

/** Resolves once the replica has the primary's data and goes on receiving. */
export async function replicated(primary: RedisProcess, replica: RedisProcess): Promise<void> {
  const client = new Redis(primary.url);
  client.on("error", () => undefined);
  try {
    await until(
      async () => {
        const info = await client.info("replication");
        return info.includes(`port=${replica.port},state=online`) ? true : undefined;
      },
      { what: "First replication", limitMs: 30_000 },
    );
  } finally {
    client.disconnect();
  }
}
