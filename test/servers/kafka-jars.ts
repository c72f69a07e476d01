import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fill } from "./cache-folder.js";

const run = promisify(execFile);

/** The pinned list, beside this source also when this file runs from `dist`. */
const POM = ["./pom.xml", "../../servers/pom.xml"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

/** What Maven needs to run. */
export interface MavenCommand {
  readonly mvn: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The folder of the pinned version's jars, filled or not. */
export async function kafkaJarsFolder(cache: string): Promise<string> {
  return join(cache, `kafka-${pinnedVersion(await readPom())}`);
}

/** Downloads the jars with Maven, checksums verified; nothing is kept outside the folder. */
export async function fetchKafkaJars(folder: string, maven: MavenCommand): Promise<void> {
  await readPom();
  await fill(folder, async (dir) => {
    const repository = join(dir, "m2");
    const libs = join(dir, "libs");
    await mkdir(libs, { recursive: true });
    await run(
      maven.mvn,
      [
        ...["-q", "-B", "--strict-checksums", "-f", POM ?? "", `-Dmaven.repo.local=${repository}`],
        ...["dependency:copy-dependencies", `-DoutputDirectory=${libs}`],
      ],
      { env: { ...process.env, ...maven.env }, cwd: dir, maxBuffer: 64 * 1024 * 1024 },
    );
    await rm(repository, { recursive: true, force: true });
  });
}

async function readPom(): Promise<string> {
  if (POM === undefined) throw new Error("test/servers/pom.xml is missing");
  return readFile(POM, "utf8");
}

function pinnedVersion(pom: string): string {
  const version = /<kafka\.version>([^<]+)</.exec(pom)?.[1];
  if (version === undefined) throw new Error("test/servers/pom.xml does not pin kafka.version");
  return version;
}
