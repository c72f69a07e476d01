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
 * This Node.js, and one of each other line from the npm registry, kept in the private cache. What can't be had is left
 * out, and a line says so.
 */
export async function findNodeRuntimes(
  given: Partial<Surroundings> = {},
): Promise<readonly NodeRuntime[]> {
  const around = surroundings(given);
  const cache = openCache(around);
  const own: NodeRuntime = { version: process.versions.node, node: process.execPath };
  const others = VERSIONS.filter((version) => lineOf(version) !== lineOf(own.version));
  const found = await Promise.all(
    others.map(async (version): Promise<NodeRuntime | undefined> => {
      try {
        return { version, node: await nodeInCache(version, cache) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        around.report(`consumers are NOT tested on Node.js ${version}: ${reason}`);
        return undefined;
      }
    }),
  );
  return [own, ...found.filter((runtime) => runtime !== undefined)];
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
