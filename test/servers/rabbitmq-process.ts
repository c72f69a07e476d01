import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { runCommand } from "./command.js";
import { until } from "./deadline.js";
import { freePort } from "./free-port.js";
import { OwnedProcess } from "./owned-process.js";
import { type OwnedServer, type ServerFolder, serverFolder, startServer } from "./owned-server.js";
import { findRabbitmqInstallation, type RabbitmqInstallation } from "./rabbitmq-installation.js";

export interface RabbitmqProcessOptions {
  /** AMQP port. @defaultValue a free loopback port */
  readonly port?: number;
  /** Further lines of `rabbitmq.conf`, for example `["consumer_timeout = 5000"]`. */
  readonly config?: readonly string[];
  /** Data folder, kept by `stop`; start again with the same one to keep durable queues. @defaultValue a temporary folder */
  readonly dir?: string;
  /** Which RabbitMQ to run. @defaultValue the one on the path, else the one in the cache */
  readonly installation?: RabbitmqInstallation;
}

export interface RabbitmqProcess extends OwnedServer {
  /** `amqp://guest:guest@127.0.0.1:<port>` */
  readonly url: string;
  /** Runs `rabbitmqctl` against this broker; resolves with its output, rejects when it fails. */
  ctl(args: readonly string[]): Promise<string>;
}

/** Starts a private RabbitMQ node with an `epmd` of its own; resolves once it takes AMQP connections. */
export async function startRabbitmq(
  options: RabbitmqProcessOptions = {},
): Promise<RabbitmqProcess> {
  const installation = options.installation ?? (await findRabbitmqInstallation());
  const port = options.port ?? (await freePort());
  const folder = await serverFolder("rabbitmq", options.dir);
  const epmdPort = await freePort();
  const env = nodeEnvironment(installation, folder, {
    port,
    epmdPort,
    distPort: await freePort(),
  });
  await writeFile(
    join(folder.dir, "rabbitmq.conf"),
    [`listeners.tcp.local = 127.0.0.1:${port}`, ...(options.config ?? []), ""].join("\n"),
  );
  await writeFile(join(folder.dir, "enabled_plugins"), "[].\n");
  const epmd = await startEpmd(installation, folder, env, epmdPort);
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const server = await startServer({
    name: "rabbitmq",
    endpoint: url,
    port,
    folder,
    process: {
      command: join(installation.sbin, "rabbitmq-server"),
      args: [],
      env,
      cwd: folder.dir,
    },
    readyWithinMs: 90_000,
    companion: epmd,
  }).catch(async (error: unknown) => {
    await epmd.stop();
    throw error;
  });
  const ctl = (args: readonly string[]): Promise<string> =>
    runCommand(join(installation.sbin, "rabbitmqctl"), args, { env, cwd: folder.dir });
  return { ...server, url, ctl };
}

interface NodePorts {
  readonly port: number;
  readonly epmdPort: number;
  readonly distPort: number;
}

function nodeEnvironment(
  installation: RabbitmqInstallation,
  { dir }: ServerFolder,
  ports: NodePorts,
): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...installation.env,
    HOME: dir,
    // Every node has an epmd of its own, so they may all bear the same name; a data folder
    // belongs to a name. Only a long name may hold an address, which needs no /etc/hosts.
    RABBITMQ_NODENAME: "onlyonce@127.0.0.1",
    RABBITMQ_USE_LONGNAME: "true",
    RABBITMQ_NODE_PORT: String(ports.port),
    RABBITMQ_DIST_PORT: String(ports.distPort),
    ERL_EPMD_PORT: String(ports.epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_MNESIA_BASE: join(dir, "mnesia"),
    RABBITMQ_LOG_BASE: join(dir, "log"),
    RABBITMQ_PID_FILE: join(dir, "pid"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, "enabled_plugins"),
    RABBITMQ_CONFIG_FILE: join(dir, "rabbitmq.conf"),
    // Never the system's own settings.
    RABBITMQ_CONF_ENV_FILE: join(dir, "rabbitmq-env.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, "advanced.config"),
    // The start script then becomes the Erlang machine instead of its parent: one pid to signal.
    RABBITMQ_ALLOW_INPUT: "1",
    RABBITMQ_SERVER_START_ARGS: "-noinput",
    LANG: "C.UTF-8",
  };
}

async function startEpmd(
  installation: RabbitmqInstallation,
  { dir }: ServerFolder,
  env: NodeJS.ProcessEnv,
  port: number,
): Promise<OwnedProcess> {
  const epmd = await OwnedProcess.start({
    command: installation.epmd,
    args: ["-address", "127.0.0.1", "-port", String(port)],
    env,
    cwd: dir,
    logFile: join(dir, "epmd.log"),
  });
  try {
    await until(() => epmdAnswers(port), { what: "Starting epmd", limitMs: 10_000 });
  } catch (error) {
    await epmd.stop();
    throw error;
  }
  return epmd;
}

/** Sends NAMES_REQ of the Erlang distribution protocol; the answer starts with epmd's own port. */
function epmdAnswers(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.write(Buffer.from([0, 1, 0x6e]));
    });
    socket.once("data", (answer) => {
      socket.destroy();
      resolve(answer.readUInt32BE(0) === port ? true : undefined);
    });
    socket.once("error", () => resolve(undefined));
    socket.once("close", () => resolve(undefined));
  });
}
