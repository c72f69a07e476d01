import { freePort } from "./free-port.js";
import { type OwnedServer, serverFolder, startServer } from "./owned-server.js";
import { findRedisInstallation, type RedisInstallation } from "./redis-installation.js";

export interface RedisProcessOptions {
  /** @defaultValue a free loopback port */
  readonly port?: number;
  /** Further arguments of `redis-server`, for example `["--appendonly", "yes"]`. */
  readonly args?: readonly string[];
  /** Working folder, kept by `stop`. @defaultValue a temporary folder */
  readonly dir?: string;
  /** Which Redis to run. @defaultValue the one on the path, else the one in the cache */
  readonly installation?: RedisInstallation;
}

export interface RedisProcess extends OwnedServer {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
}

/** Starts a private Redis without persistence; resolves once it answers PING. */
export async function startRedis(options: RedisProcessOptions = {}): Promise<RedisProcess> {
  const installation = options.installation ?? (await findRedisInstallation());
  const port = options.port ?? (await freePort());
  const folder = await serverFolder("redis", options.dir);
  const url = `redis://127.0.0.1:${port}`;
  const server = await startServer({
    name: "redis",
    endpoint: url,
    port,
    folder,
    process: {
      command: installation.server,
      args: [
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder.dir],
        ...["--save", "", "--appendonly", "no"],
        ...(options.args ?? []),
      ],
      env: { ...process.env, ...installation.env },
      cwd: folder.dir,
    },
    readyWithinMs: 15_000,
  });
  return { ...server, url };
}
