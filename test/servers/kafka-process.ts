import { randomBytes } from "node:crypto";
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./command.js";
import { freePort } from "./free-port.js";
import { findKafkaInstallation, type KafkaInstallation } from "./kafka-installation.js";
import { kafkaSettings } from "./kafka-settings.js";
import { warmUpKafka } from "./kafka-warm-up.js";
import { discard, type OwnedServer, serverFolder, startServer } from "./owned-server.js";

/** Starts fast and leaves nothing in the folder for temporary files. */
const JVM_FLAGS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"];

export interface KafkaProcessOptions {
  /** Broker port. @defaultValue a free loopback port */
  readonly port?: number;
  /** Further lines of `server.properties`, or other values for ours. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** Data folder, kept by `stop`; start again with the same one to keep topics. @defaultValue a temporary folder */
  readonly dir?: string;
  /** Of a new data folder: brokers of one cluster share it. @defaultValue a random one */
  readonly clusterId?: string;
  /** Which Kafka to run. @defaultValue the one on the path, else the one in the cache */
  readonly installation?: KafkaInstallation;
}

export interface KafkaProcess extends OwnedServer {
  /** `127.0.0.1:<port>` */
  readonly endpoint: string;
}

/**
 * Starts a private broker that is its own controller; resolves once groups can join.
 *
 * Topics are never created by use. Sessions may be as short as one second.
 */
export async function startKafka(options: KafkaProcessOptions = {}): Promise<KafkaProcess> {
  const installation = options.installation ?? (await findKafkaInstallation());
  const port = options.port ?? (await freePort());
  const folder = await serverFolder("kafka", options.dir);
  const { dir } = folder;
  const endpoint = `127.0.0.1:${port}`;
  const file = join(dir, "server.properties");
  const properties = {
    ...kafkaSettings({
      brokerListener: endpoint,
      advertised: endpoint,
      controller: `127.0.0.1:${await freePort()}`,
    }),
    "log.dirs": join(dir, "data"),
    ...options.properties,
  };
  await writeFile(
    file,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );
  const env = { ...process.env, ...installation.env };
  await format(installation, env, dir, file, options.clusterId ?? newClusterId()).catch(
    async (error: unknown) => {
      await discard(folder);
      throw error;
    },
  );
  const server = await startServer({
    name: "kafka",
    endpoint,
    port,
    folder,
    process: {
      command: installation.java,
      args: ["-Xmx512m", ...JVM_FLAGS, "-cp", installation.classpath, "kafka.Kafka", file],
      env,
      cwd: dir,
    },
    readyWithinMs: 90_000,
  });
  try {
    await warmUpKafka(endpoint);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { ...server, endpoint };
}

/** A UUID as Kafka writes it. */
export function newClusterId(): string {
  return randomBytes(16).toString("base64url").replace(/^-/, "A");
}

/** Gives a new data folder its cluster id; leaves a used one alone. */
async function format(
  installation: KafkaInstallation,
  env: NodeJS.ProcessEnv,
  dir: string,
  file: string,
  clusterId: string,
): Promise<void> {
  const used = await access(join(dir, "data", "meta.properties")).then(
    () => true,
    () => false,
  );
  if (used) return;
  const tool = ["-cp", installation.classpath, "kafka.tools.StorageTool"];
  const args = [...JVM_FLAGS, ...tool, "format", "-t", clusterId, "-c", file];
  await runCommand(installation.java, args, { env, cwd: dir });
}
