import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Cache } from "./cache-folder.js";
import { lookForPackages, type PackageSet, unpackPackages } from "./debian-packages.js";
import { JAVA_ALTERNATIVES, type JavaRuntime } from "./java-runtime.js";
import { findProgram } from "./program-search.js";
import type { Finding } from "./rung-choice.js";
import { javaTrustStore, TRUST_STORE_PASSWORD } from "./trust-store.js";

/** How to call Maven. */
export interface Maven {
  readonly mvn: string;
  /** Variables that it needs on top of ours. */
  readonly env: Readonly<Record<string, string>>;
}

const PACKAGES: PackageSet = {
  name: "maven",
  alternatives: JAVA_ALTERNATIVES.map((java) => ({ packages: ["maven"], without: [java] })),
};

/** Whether {@link findMaven} can succeed. */
export async function lookForMaven(cache: Cache): Promise<Finding> {
  const mvn = await findProgram("mvn", cache.env);
  if (mvn !== undefined) return { isUsable: true, reason: `Maven at ${mvn}` };
  const { isUsable, reason } = await lookForPackages(PACKAGES, cache);
  return isUsable ? { isUsable, reason } : { isUsable, reason: `no mvn, ${reason}` };
}

/**
 * The Maven of this machine, else the distribution's, fetched into the cache.
 *
 * `dir` takes a file of certificate authorities when Java has none of its own.
 */
export async function findMaven(cache: Cache, runtime: JavaRuntime, dir: string): Promise<Maven> {
  const installed = await findProgram("mvn", cache.env);
  const mvn = installed ?? join(await unpackPackages(PACKAGES, cache), "usr/share/maven/bin/mvn");
  if (!runtime.isPrivate) return { mvn, env: mavenOptions(cache, []) };
  const trustStore = join(dir, "authorities.jks");
  await writeFile(trustStore, await javaTrustStore());
  const options = [
    `-Djavax.net.ssl.trustStore=${trustStore}`,
    "-Djavax.net.ssl.trustStoreType=JKS",
    `-Djavax.net.ssl.trustStorePassword=${TRUST_STORE_PASSWORD}`,
  ];
  return {
    mvn,
    env: {
      ...runtime.env,
      JAVA_HOME: dirname(dirname(runtime.java)),
      ...mavenOptions(cache, options),
    },
  };
}

/** The user's own options, ours, and nothing left in the folder for temporary files. */
function mavenOptions(cache: Cache, options: readonly string[]): Record<string, string> {
  return { MAVEN_OPTS: [cache.env.MAVEN_OPTS ?? "", "-XX:-UsePerfData", ...options].join(" ") };
}
