import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { until } from "../servers/deadline.js";
import { freePort } from "../servers/free-port.js";
import { type OwnedServer, serverFolder, startServer } from "../servers/owned-server.js";
import { findRedisInstallation } from "../servers/redis-installation.js";
import { type RedisProcess, startRedis } from "../servers/redis-process.js";
import { REPLICATE_AT_ONCE, replicated } from "./redis-replica.js";

/** A master, its replica, and three sentinels that watch them. */
export interface SentinelSet extends AsyncDisposable {
  readonly master: RedisProcess;
  readonly replica: RedisProcess;
  readonly name: string;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
}

const NAME = "main";

export async function startSentinelSet(): Promise<SentinelSet> {
  const master = await startRedis({ args: REPLICATE_AT_ONCE });
  const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
  const servers: OwnedServer[] = [master, replica];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    await replicated(master, replica);
    const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(master.port)));
    servers.push(...sentinels);
    await Promise.all(sentinels.map(({ port }) => known(port)));
    return {
      master,
      replica,
      name: NAME,
      sentinels: sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startSentinel(masterPort: number): Promise<OwnedServer> {
  const installation = await findRedisInstallation();
  const port = await freePort();
  const folder = await serverFolder("redis");
  const config = join(folder.dir, "sentinel.conf");
  const lines = [
    ...[`port ${port}`, "bind 127.0.0.1", `dir ${folder.dir}`],
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
    ...[`sentinel down-after-milliseconds ${NAME} 1000`, `sentinel failover-timeout ${NAME} 3000`],
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  return startServer({
    name: "redis",
    endpoint: `redis://127.0.0.1:${port}`,
    port,
    folder,
    process: {
      command: installation.server,
      args: [config, "--sentinel"],
      env: { ...process.env, ...installation.env },
      cwd: folder.dir,
    },
    readyWithinMs: 15_000,
  });
}

/** Resolves once the sentinel knows the replica and both other sentinels: from then on it can fail over. */
async function known(port: number): Promise<void> {
  const sentinel = new Redis({ host: "127.0.0.1", port, protocol: 2 });
  sentinel.on("error", () => undefined);
  try {
    await until(
      async () => {
        const answer = (await sentinel.call("SENTINEL", "MASTER", NAME)) as string[];
        const field = (name: string): string | undefined => answer[answer.indexOf(name) + 1];
        return field("num-slaves") === "1" && field("num-other-sentinels") === "2"
          ? true
          : undefined;
      },
      { what: "Meeting of the sentinels", limitMs: 30_000 },
    );
  } finally {
    sentinel.disconnect();
  }
}
