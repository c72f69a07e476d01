import { rmSync } from "node:fs";
import { access, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./command.js";

/** One package file of the distribution's archive. */
export interface ArchivePackage {
  readonly name: string;
  readonly version: string;
  readonly sizeBytes: number;
}

/**
 * The distribution's signed archive, read without touching the system: lists, cache and locks
 * are private, hooks are off, and the record of installed packages is an empty one.
 */
export interface Apt {
  /** Everything that an empty machine would need for these packages. Rejects for unknown ones. */
  closure(packages: readonly string[]): Promise<readonly ArchivePackage[]>;
  /** Downloads `.deb` files, verified against the signed lists, into `dir`. */
  download(packages: readonly ArchivePackage[], dir: string): Promise<void>;
}

const DEBIAN_MIRROR = "http://deb.debian.org/debian";
const DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

const opened = new Map<string | undefined, Promise<Apt>>();

/**
 * Fetches the lists of packages, once per process; they are deleted when it ends. `release` is one of Debian's, such as
 * `trixie`; without it the archive of this machine's own distribution is read.
 */
export function openApt(report: (line: string) => void, release?: string): Promise<Apt> {
  const apt =
    opened.get(release) ??
    openNow(report, release).catch((error: unknown) => {
      opened.delete(release);
      throw error;
    });
  opened.set(release, apt);
  return apt;
}

async function openNow(report: (line: string) => void, release?: string): Promise<Apt> {
  const archive = release === undefined ? "this distribution's archive" : `Debian ${release}`;
  report(`apt-get: reading the lists of ${archive}, about 10 MB`);
  const dir = await mkdtemp(join(tmpdir(), "onlyonce-apt-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  for (const folder of ["lists", "cache"]) await mkdir(join(dir, folder));
  await writeFile(join(dir, "status"), "");
  const config = join(dir, "apt.conf");
  const sources = release === undefined ? "" : await sourcesOf(release, dir);
  await writeFile(config, configuration(dir) + sources);
  const env = { ...process.env, LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };
  const aptGet = (args: readonly string[], cwd = dir): Promise<string> =>
    runCommand("apt-get", ["-c", config, ...args], { cwd, env });
  // Some other source of this machine may be out of order: that only matters if something is missing.
  let updateError: unknown;
  await aptGet(["update"]).catch((error: unknown) => {
    updateError = error;
  });
  return {
    async closure(packages) {
      const options = ["install", "-y", "-qq", "--no-install-recommends", "--print-uris"];
      const output = await aptGet([...options, ...packages]).catch((error: unknown) => {
        throw updateError ?? error;
      });
      return parseUris(output);
    },
    async download(packages, target) {
      const exact = packages.map(({ name, version }) => `${name}=${version}`);
      await aptGet(["download", "-qq", ...exact], target);
    },
  };
}

/** Given with `-c`, so it comes after the system's own configuration and overrules it. */
function configuration(dir: string): string {
  return `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
Dir::State::lists "${dir}/lists";
Dir::State::status "${dir}/status";
Dir::Cache "${dir}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Debug::NoLocking "true";
APT::Sandbox::User "root";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
`;
}

/** Answers the settings that make a release of Debian the only source. */
async function sourcesOf(release: string, dir: string): Promise<string> {
  await access(DEBIAN_KEYS).catch(() => {
    throw new Error(
      `${DEBIAN_KEYS} is missing, without which Debian's packages can't be verified.\n` +
        "On Debian or Ubuntu: sudo apt-get install debian-archive-keyring",
    );
  });
  const list = join(dir, "sources.list");
  await writeFile(list, `deb [signed-by=${DEBIAN_KEYS}] ${DEBIAN_MIRROR} ${release} main\n`);
  return `Dir::Etc::SourceList "${list}";\nDir::Etc::SourceParts "/dev/null";\n`;
}

/**
 * Reads lines of `--print-uris`: `'URI' name_version_arch.deb bytes checksum`.
 *
 * A colon in the version is written `%3a` in the file name.
 */
export function parseUris(output: string): readonly ArchivePackage[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("'"))
    .map((line) => {
      const [, file, size] = line.split(" ");
      const [name, version] = (file ?? "").split("_");
      const sizeBytes = Number(size);
      if (name === undefined || version === undefined || !Number.isInteger(sizeBytes)) {
        throw new Error(`apt-get printed an unknown line: ${line}`);
      }
      return { name, version: decodeURIComponent(version), sizeBytes };
    });
}
