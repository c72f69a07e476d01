import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cache, fill } from "./cache-folder.js";
import { runCommand } from "./command.js";
import type { Maven } from "./maven.js";

/** What the jars of one version take, on the wire and on disk. */
const SIZE = "45 MB";

/** The folder of the pinned version, filled or not. */
export function kafkaJarsFolder(cache: Cache): string {
  const version = /<kafka\.version>([^<]+)</.exec(readFileSync(pomFile(), "utf8"))?.[1];
  if (version === undefined) throw new Error("test/servers/pom.xml does not pin kafka.version");
  return join(cache.folder, `kafka-${version}`);
}

/** Downloads the jars if they are missing, checksums verified; keeps nothing outside the folder. */
export async function fetchKafkaJars(
  cache: Cache,
  findMaven: (dir: string) => Promise<Maven>,
): Promise<string> {
  const folder = kafkaJarsFolder(cache);
  await fill(folder, async (dir) => {
    if (cache.isOffline) throw new Error(`ONLYONCE_OFFLINE is set and ${folder} is missing`);
    const work = join(dir, "work");
    const libs = join(dir, "libs");
    for (const path of [work, libs]) await mkdir(path);
    const maven = await findMaven(work);
    cache.report(`kafka: fetching Apache Kafka's jars from Maven Central, ${SIZE}, to ${folder}`);
    const args = [
      ...["-q", "-B", "--strict-checksums", "-f", pomFile()],
      ...[`-Dmaven.repo.local=${join(work, "repository")}`, `-DoutputDirectory=${libs}`],
      "dependency:copy-dependencies",
    ];
    await runCommand(maven.mvn, args, { cwd: work, env: { ...cache.env, ...maven.env } });
    await rm(work, { recursive: true });
  });
  return join(folder, "libs");
}

/** The pinned list lies beside the source; this file may run from `dist`. */
function pomFile(): string {
  const file = ["./pom.xml", "../../servers/pom.xml"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (file === undefined) throw new Error("test/servers/pom.xml is missing");
  return file;
}
