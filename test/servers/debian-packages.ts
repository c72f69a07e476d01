import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Apt, type ArchivePackage, openApt } from "./apt.js";
import { type Cache, fill, isFilled } from "./cache-folder.js";
import { runCommand } from "./command.js";
import { relinkInto } from "./links.js";
import { findProgram } from "./program-search.js";
import type { Finding } from "./rung-choice.js";

/** Packages of Debian or Ubuntu that together make one folder of the cache. */
export interface PackageSet {
  /** Name of the folder, and what people read while it is fetched. */
  readonly name: string;
  /** The first one whose every package the archive has is taken. */
  readonly alternatives: readonly PackageChoice[];
  /**
   * A release of Debian that this machine need not have, such as `trixie`. Then the tree holds everything, the C library
   * included, and its programs run only as {@link bindToTree} binds them. Default: this machine's own distribution.
   */
  readonly release?: string;
}

/** Packages to unpack, with everything that they need. */
export interface PackageChoice {
  readonly packages: readonly string[];
  /** Not unpacked, nor what these need: they come from elsewhere. */
  readonly without?: readonly string[];
}

/** Whether the set is in the cache or can be brought there. */
export async function lookForPackages(set: PackageSet, cache: Cache): Promise<Finding> {
  const missing = await missingTool(cache);
  if (missing !== undefined) return { isUsable: false, reason: missing };
  const folder = await setFolder(set, cache);
  if (await isFilled(folder)) return { isUsable: true, reason: `${set.name} is in ${folder}` };
  return cache.isOffline
    ? { isUsable: false, reason: `${set.name} is not in ${cache.folder}, ONLYONCE_OFFLINE is set` }
    : { isUsable: true, reason: `${set.name} from the archive of ${releaseOf(set)}` };
}

/**
 * Unpacks the set into the cache and resolves with the root of the tree.
 *
 * No root rights, no daemon, nothing outside the folder. Everything is fetched that the smallest
 * possible installation of this distribution lacks, whatever this machine happens to have.
 * `finish` may add files to the tree before it gets its name.
 */
export async function unpackPackages(
  set: PackageSet,
  cache: Cache,
  finish: (root: string) => Promise<void> = async () => {},
): Promise<string> {
  const missing = await missingTool(cache);
  if (missing !== undefined) throw new Error(missing);
  const folder = await setFolder(set, cache);
  await fill(folder, async (root) => {
    if (cache.isOffline) throw new Error(`ONLYONCE_OFFLINE is set and ${folder} is missing`);
    const apt = await openApt(cache.report, set.release);
    const packages = await resolveSet(apt, set);
    const sizeBytes = packages.reduce((sum, entry) => sum + entry.sizeBytes, 0);
    const megabytes = (sizeBytes / 1e6).toFixed(1);
    cache.report(
      `${set.name}: fetching ${packages.length} packages, ${megabytes} MB, to ${folder}`,
    );
    const archives = join(root, "archives");
    await mkdir(archives);
    await apt.download(packages, archives);
    for (const file of await readdir(archives)) {
      await runCommand("dpkg-deb", ["-x", join(archives, file), root], {
        cwd: root,
        env: cache.env,
      });
    }
    await rm(archives, { recursive: true });
    await relinkInto(root);
    await finish(root);
  });
  return folder;
}

/** Folders of shared libraries in an unpacked tree, for LD_LIBRARY_PATH. */
export async function libraryPath(root: string): Promise<string> {
  const folders: string[] = [];
  for (const parent of ["usr/lib", "lib"]) {
    const names = await readdir(join(root, parent)).catch(() => []);
    for (const name of names) {
      if (/-linux-gnu/.test(name)) folders.push(join(root, parent, name));
    }
  }
  return folders.join(":");
}

async function resolveSet(apt: Apt, set: PackageSet): Promise<readonly ArchivePackage[]> {
  let lastError: unknown;
  for (const { packages, without = [] } of set.alternatives) {
    try {
      if (set.release !== undefined) return await apt.closure(packages);
      const base = await apt.closure(["?essential", ...without]);
      const baseNames = new Set(base.map(({ name }) => name));
      const needed = await apt.closure([...packages, ...without]);
      return needed.filter(({ name }) => !baseNames.has(name));
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError;
}

async function missingTool({ env }: Cache): Promise<string | undefined> {
  for (const tool of ["apt-get", "dpkg-deb", "dpkg"]) {
    if ((await findProgram(tool, env)) === undefined) return `no ${tool} on this machine`;
  }
  return undefined;
}

function releaseOf({ release }: PackageSet): string {
  return release === undefined ? "this distribution" : `Debian ${release}`;
}

/** Trees of different releases and processors live side by side. */
async function setFolder(set: PackageSet, cache: Cache): Promise<string> {
  if (set.release !== undefined) {
    return join(cache.folder, `debian-${set.release}-${process.arch}`, set.name);
  }
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const value = (key: string): string =>
    new RegExp(`^${key}="?([^"\n]+)`, "m").exec(release)?.[1] ?? "unknown";
  return join(cache.folder, `${value("ID")}-${value("VERSION_ID")}-${process.arch}`, set.name);
}
