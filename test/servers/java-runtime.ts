import { execFile } from "node:child_process";
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Cache } from "./cache-folder.js";
import {
  libraryPath,
  lookForPackages,
  type PackageSet,
  unpackPackages,
} from "./debian-packages.js";
import { findProgram, isExecutable } from "./program-search.js";
import type { Finding } from "./rung-choice.js";

const run = promisify(execFile);

/** A Java that can run Kafka. */
export interface JavaRuntime {
  /** Full path of `java`. */
  readonly java: string;
  /** Variables that it needs on top of ours. */
  readonly env: Readonly<Record<string, string>>;
  /** Unpacked by us, and so without certificates of its own. */
  readonly isPrivate: boolean;
}

/** What brokers of Kafka 4 ask for. */
const OLDEST_JAVA = 17;

/** The headless runtimes of one release or another, the best proved first. */
export const JAVA_ALTERNATIVES = ["17", "21", "25"].map(
  (version) => `openjdk-${version}-jre-headless`,
);

const PACKAGES: PackageSet = {
  name: "java",
  alternatives: JAVA_ALTERNATIVES.map((java) => ({ packages: [java] })),
};

/** Whether {@link findJava} can succeed. */
export async function lookForJava(cache: Cache): Promise<Finding> {
  const found = await systemJava(cache.env);
  if (found !== undefined) return { isUsable: true, reason: `Java at ${found.java}` };
  const { isUsable, reason } = await lookForPackages(PACKAGES, cache);
  return isUsable
    ? { isUsable, reason }
    : { isUsable, reason: `no Java ${OLDEST_JAVA} or later, ${reason}` };
}

/** The Java of this machine, else the distribution's, fetched into the cache. */
export async function findJava(cache: Cache): Promise<JavaRuntime> {
  return (await systemJava(cache.env)) ?? privateJava(cache);
}

async function privateJava(cache: Cache): Promise<JavaRuntime> {
  const root = await unpackPackages(PACKAGES, cache);
  const machines = join(root, "usr/lib/jvm");
  for (const name of await readdir(machines)) {
    const java = join(machines, name, "bin/java");
    if (await isExecutable(java)) {
      return {
        java: await realpath(java),
        env: { LD_LIBRARY_PATH: await libraryPath(root) },
        isPrivate: true,
      };
    }
  }
  throw new Error(`No java in ${machines}`);
}

/** `JAVA_HOME`, else the path; `undefined` when it is too old or does not run. */
export async function systemJava(env: NodeJS.ProcessEnv): Promise<JavaRuntime | undefined> {
  const home = env.JAVA_HOME ?? "";
  const named = home === "" ? undefined : join(home, "bin/java");
  const java =
    named !== undefined && (await isExecutable(named)) ? named : await findProgram("java", env);
  if (java === undefined) return undefined;
  try {
    const { stderr } = await run(java, ["-version"], { env });
    const version = Number(/version "(\d+)/.exec(stderr)?.[1]);
    return version >= OLDEST_JAVA ? { java, env: {}, isPrivate: false } : undefined;
  } catch {
    return undefined;
  }
}
