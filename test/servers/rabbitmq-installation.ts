import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { findProgram, isExecutable } from "./program-search.js";
import { ServiceUnavailableError } from "./service.js";

/** Where the programs of RabbitMQ and Erlang are. */
export interface RabbitmqInstallation {
  /** Folder of the plain `rabbitmq-server` and `rabbitmqctl`, not of a distribution's wrappers. */
  readonly sbin: string;
  /** Full path of `epmd`. */
  readonly epmd: string;
  /** Variables that the programs need on top of ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** Debian's `rabbitmq-server` on the path insists on the system user; the plain one is here. */
const DEBIAN_BIN = "/usr/lib/rabbitmq/bin";

/** The RabbitMQ of this machine. */
export async function rabbitmqOnPath(
  env: NodeJS.ProcessEnv = process.env,
): Promise<RabbitmqInstallation | undefined> {
  const server = await findProgram("rabbitmq-server", env);
  const epmd = await findProgram("epmd", env);
  if (server === undefined || epmd === undefined) return undefined;
  const isDebian = await isExecutable(`${DEBIAN_BIN}/rabbitmq-server`);
  const sbin = isDebian ? DEBIAN_BIN : dirname(await realpath(server));
  return { sbin, epmd, env: {} };
}

/** The RabbitMQ of this machine, else the one in the cache. */
export async function findRabbitmqInstallation(): Promise<RabbitmqInstallation> {
  const found = await rabbitmqOnPath();
  if (found === undefined) throw new ServiceUnavailableError("rabbitmq-server is not installed");
  return found;
}
