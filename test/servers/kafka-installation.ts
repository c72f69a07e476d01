import { readdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Cache, isFilled, openCache } from "./cache-folder.js";
import { findJava, lookForJava, systemJava } from "./java-runtime.js";
import { fetchKafkaJars, kafkaJarsFolder } from "./kafka-jars.js";
import { findMaven, lookForMaven } from "./maven.js";
import { findProgram } from "./program-search.js";
import { surroundings } from "./rung.js";
import type { Finding } from "./rung-choice.js";

/** Where Java and the jars of Kafka are. */
export interface KafkaInstallation {
  /** Full path of `java`, version 17 or later. */
  readonly java: string;
  /** Value of `-cp`. */
  readonly classpath: string;
  /** Variables that Java needs on top of ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** The Kafka 4 of this machine, if its `kafka-server-start.sh` is on the path. */
export async function kafkaOnPath(
  env: NodeJS.ProcessEnv = process.env,
): Promise<KafkaInstallation | undefined> {
  const script = await findProgram("kafka-server-start.sh", env);
  if (script === undefined) return undefined;
  const libs = join(dirname(dirname(await realpath(script))), "libs");
  const jars = await readdir(libs).catch(() => []);
  if (!jars.some((jar) => /^kafka_2\.13-4\..*\.jar$/.test(jar))) return undefined;
  const runtime = await systemJava(env);
  if (runtime === undefined) return undefined;
  return { java: runtime.java, classpath: join(libs, "*"), env: {} };
}

/** Whether {@link kafkaInCache} can succeed. */
export async function lookForCachedKafka(cache: Cache): Promise<Finding> {
  const java = await lookForJava(cache);
  if (!java.isUsable) return java;
  const folder = kafkaJarsFolder(cache);
  if (await isFilled(folder))
    return { isUsable: true, reason: `jars in ${folder}, ${java.reason}` };
  if (cache.isOffline) {
    return { isUsable: false, reason: `no jars in ${folder}, ONLYONCE_OFFLINE is set` };
  }
  const maven = await lookForMaven(cache);
  if (!maven.isUsable) return { isUsable: false, reason: `no jars in ${folder}, ${maven.reason}` };
  return { isUsable: true, reason: `jars from Maven Central, ${java.reason}, ${maven.reason}` };
}

/** The pinned jars and a Java for them, both fetched into the cache if need be. */
export async function kafkaInCache(cache: Cache): Promise<KafkaInstallation> {
  const runtime = await findJava(cache);
  const libs = await fetchKafkaJars(cache, (dir) => findMaven(cache, runtime, dir));
  return { java: runtime.java, classpath: join(libs, "*"), env: runtime.env };
}

/** The Kafka of this machine, else the one in the cache. */
export async function findKafkaInstallation(): Promise<KafkaInstallation> {
  return (await kafkaOnPath()) ?? kafkaInCache(openCache(surroundings()));
}
