import { spawnSync } from "node:child_process";
import { access, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { outsideEnvironment } from "../consumers/npm.js";
import { type Cache, fill, isFilled } from "../servers/cache-folder.js";
import { runCommand } from "../servers/command.js";

const PACKAGE = "@confluentinc/kafka-javascript";
const VERSION = "1.10.1";

const COMPILER = "g++";

/** What the build of its native part includes, and the Debian package that has it. */
const HEADERS: Readonly<Record<string, string>> = {
  "zlib.h": "zlib1g-dev",
  "openssl/ssl.h": "libssl-dev",
  "zstd.h": "libzstd-dev",
  "curl/curl.h": "libcurl4-openssl-dev",
  "sasl/sasl.h": "libsasl2-dev",
};

/**
 * The folder whose `node_modules` holds Confluent's client; builds it into our cache the first time.
 *
 * It has a native part without which it does not load, so it is not among the dependencies of this repository: its
 * prebuilt binaries are not for every machine, and a build takes minutes.
 */
export async function confluentFolder(cache: Cache): Promise<string> {
  const name = `confluent-${VERSION}-${process.platform}-${process.arch}-${process.versions.modules}`;
  const folder = join(cache.folder, name);
  if (await isFilled(folder)) return folder;
  if (cache.isOffline) throw new Error(`ONLYONCE_OFFLINE is set and ${folder} is missing`);
  requireBuildTools();
  cache.report(`confluent: building ${PACKAGE} ${VERSION} in ${folder}, some minutes`);
  await fill(folder, async (dir) => {
    await writeFile(join(dir, "package.json"), '{ "private": true }\n');
    const flags = ["--no-audit", "--no-fund", "--no-package-lock"];
    await runCommand("npm", ["install", ...flags, `${PACKAGE}@${VERSION}`], {
      cwd: dir,
      env: { ...outsideEnvironment(cache.env), CKJS_LINKING: "dynamic" },
    });
    const client = join(dir, "node_modules", PACKAGE);
    await access(join(client, "build/Release/confluent-kafka-javascript.node"));
    // Sources and objects, nine tenths of the whole.
    for (const path of ["deps", "build/Release/obj.target"]) {
      await rm(join(client, path), { recursive: true, force: true });
    }
  });
  return folder;
}

/** Says in one message everything that is missing. */
function requireBuildTools(): void {
  const tools = [COMPILER, "make", "python3"].filter(
    (tool) => spawnSync(tool, ["--version"]).status !== 0,
  );
  const libraries = tools.includes(COMPILER) ? [] : Object.keys(HEADERS).filter(isMissing);
  const packages = [...tools, ...libraries.map((file) => HEADERS[file])];
  if (packages.length === 0) return;
  throw new Error(
    `Building ${PACKAGE} needs what this machine lacks: ${[...tools, ...libraries].join(", ")}.\n` +
      `On Debian or Ubuntu: sudo apt-get install ${packages.join(" ")}`,
  );
}

function isMissing(file: string): boolean {
  const input = `#include <${file}>\n`;
  return spawnSync(COMPILER, ["-x", "c++", "-fsyntax-only", "-"], { input }).status !== 0;
}
