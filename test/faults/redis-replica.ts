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
    // Sent is not yet loaded: from its first acknowledgement on the replica keeps up.
    await until(async () => ((await client.wait(1, 1000)) > 0 ? true : undefined), {
      what: "First acknowledgement of a replica",
      limitMs: 30_000,
    });
  } finally {
    client.disconnect();
  }
}
