import { join } from "node:path";
import { cacheFolder, isFilled } from "./cache-folder.js";
import { fetchKafkaJars, kafkaJarsFolder } from "./kafka-jars.js";
import { findProgram } from "./program-search.js";
import { ServiceUnavailableError } from "./service.js";

/** Where Java and the jars of Kafka are. */
export interface KafkaInstallation {
  /** Full path of `java`, version 17 or later. */
  readonly java: string;
  /** Value of `-cp`. */
  readonly classpath: string;
  /** Variables that Java needs on top of ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** The Kafka of this machine, else the one in the cache. */
export async function findKafkaInstallation(): Promise<KafkaInstallation> {
  const java = await findProgram("java");
  const mvn = await findProgram("mvn");
  if (java === undefined) throw new ServiceUnavailableError("java is not installed");
  const folder = await kafkaJarsFolder(cacheFolder());
  if (!(await isFilled(folder))) {
    if (mvn === undefined) throw new ServiceUnavailableError("mvn is not installed");
    await fetchKafkaJars(folder, { mvn, env: {} });
  }
  return { java, classpath: join(folder, "libs", "*"), env: {} };
}
