import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Cache, fill, isFilled, openCache } from "../servers/cache-folder.js";
import { runCommand } from "../servers/command.js";
import { type Surroundings, surroundings } from "../servers/rung.js";
import { npmInstall, outsideEnvironment } from "./npm.js";

/** A Node.js that consumers run on. */
export interface NodeRuntime {
  readonly version: string;
  /** Full path of the program. */
  readonly node: string;
}

/** One of each line that we support. */
const VERSIONS = ["20.20.2", "22.23.3", "24.21.0", "26.10.0"];

/**
 * A Node.js of each line: this one for its own, the others from the npm registry, kept in the private cache. What can't
 * be had is left out, and a line says so.
 */
export async function findNodeRuntimes(
  given: Partial<Surroundings> = {},
): Promise<readonly NodeRuntime[]> {
  const around = surroundings(given);
  const cache = openCache(around);
  const runtimes: NodeRuntime[] = [];
  for (const version of VERSIONS) {
    if (lineOf(version) === lineOf(process.versions.node)) {
      runtimes.push({ version: process.versions.node, node: process.execPath });
      continue;
    }
    try {
      runtimes.push({ version, node: await nodeInCache(version, cache) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      around.report(`consumers are NOT tested on Node.js ${version}: ${reason}`);
    }
  }
  return runtimes;
}

function lineOf(version: string): string | undefined {
  return version.split(".")[0];
}

async function nodeInCache(version: string, cache: Cache): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const folder = join(cache.folder, `node-${version}-${platform}`);
  if (!(await isFilled(folder))) {
    cache.report(`Node.js ${version}: fetching it into ${cache.folder}, once`);
    await fill(folder, (dir) => fetchNode(version, platform, dir, cache));
  }
  return join(folder, "node");
}

/** Keeps the program alone: its package brings headers and manuals too. */
async function fetchNode(
  version: string,
  platform: string,
  dir: string,
  { isOffline, env }: Cache,
): Promise<void> {
  const name = `node-${platform}`;
  const folder = join(dir, "unpacked");
  await mkdir(folder);
  await npmInstall({ folder, packages: [`${name}@${version}`], isOffline, env });
  const node = join(dir, "node");
  await rename(join(folder, "node_modules", name, "bin", "node"), node);
  await rm(folder, { recursive: true });
  const said = await runCommand(node, ["--version"], { cwd: dir, env: outsideEnvironment(env) });
  if (said.trim() !== `v${version}`) throw new Error(`${name}@${version} is ${said.trim()}`);
}
