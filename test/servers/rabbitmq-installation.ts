import { mkdir, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Cache, openCache } from "./cache-folder.js";
import {
  libraryPath,
  lookForPackages,
  type PackageSet,
  unpackPackages,
} from "./debian-packages.js";
import { bindToTree } from "./foreign-tree.js";
import { findProgram, isExecutable } from "./program-search.js";
import { surroundings } from "./rung.js";
import type { Finding } from "./rung-choice.js";

/** Where the programs of RabbitMQ and Erlang are. */
export interface RabbitmqInstallation {
  /** Folder of the plain `rabbitmq-server` and `rabbitmqctl`, not of a distribution's wrappers. */
  readonly sbin: string;
  /** Full path of `epmd`. */
  readonly epmd: string;
  /** Variables that the programs need on top of ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** Debian's `rabbitmq-server` on the path insists on the system user; the plain one is here. */
const DEBIAN_BIN = "/usr/lib/rabbitmq/bin";

/** The RabbitMQ of this machine. */
export async function rabbitmqOnPath(
  env: NodeJS.ProcessEnv = process.env,
): Promise<RabbitmqInstallation | undefined> {
  const server = await findProgram("rabbitmq-server", env);
  const epmd = await findProgram("epmd", env);
  if (server === undefined || epmd === undefined) return undefined;
  const isDebian = await isExecutable(`${DEBIAN_BIN}/rabbitmq-server`);
  const sbin = isDebian ? DEBIAN_BIN : dirname(await realpath(server));
  return { sbin, epmd, env: {} };
}

const PACKAGES: PackageSet = {
  name: "rabbitmq",
  alternatives: [{ packages: ["rabbitmq-server"] }],
};

/** RabbitMQ 4.0 with its Erlang. The first line of RabbitMQ with a delivery limit for every quorum queue. */
const PACKAGES_OF_4: PackageSet = { ...PACKAGES, release: "trixie" };

/** Debian's `erl` knows only `/usr/lib/erlang`; this one finds the tree that it lies in. */
const ERL = `#!/bin/sh
file=$(readlink -f "$0")
ROOTDIR=$(cd "\${file%/*/erl}/usr/lib/erlang" && pwd)
BINDIR=$(echo "$ROOTDIR"/erts-*/bin)
EMU=beam
PROGNAME=erl
export ROOTDIR BINDIR EMU PROGNAME
exec "$BINDIR/erlexec" "$@"
`;

/** Whether {@link rabbitmqInCache} can succeed. */
export async function lookForCachedRabbitmq(cache: Cache): Promise<Finding> {
  return lookForPackages(PACKAGES, cache);
}

/** The distribution's RabbitMQ and Erlang, fetched into the cache if need be. */
export async function rabbitmqInCache(cache: Cache): Promise<RabbitmqInstallation> {
  const root = await unpackPackages(PACKAGES, cache, addErl);
  const path = [join(root, "onlyonce-bin"), join(root, "usr/bin"), cache.env.PATH ?? ""];
  const env = { PATH: path.join(":"), LD_LIBRARY_PATH: await libraryPath(root) };
  return { ...(await programsIn(root)), env };
}

/** RabbitMQ 4.0, fetched into the cache if need be, whatever Debian or Ubuntu this machine has. */
export async function rabbitmq4InCache(cache: Cache): Promise<RabbitmqInstallation> {
  const root = await unpackPackages(PACKAGES_OF_4, cache, async (tree) => {
    await bindToTree(join(tree, "usr/lib/erlang"));
    await addErl(tree);
    // Where its own programs look for it.
    const erl = join(tree, "usr/lib/erlang/bin/erl");
    await rm(erl);
    await symlink("../../../../onlyonce-bin/erl", erl);
  });
  const path = [join(root, "usr/bin"), cache.env.PATH ?? ""];
  return { ...(await programsIn(root)), env: { PATH: path.join(":") } };
}

async function addErl(tree: string): Promise<void> {
  await mkdir(join(tree, "onlyonce-bin"));
  await writeFile(join(tree, "onlyonce-bin/erl"), ERL, { mode: 0o755 });
}

async function programsIn(root: string): Promise<Pick<RabbitmqInstallation, "sbin" | "epmd">> {
  const home = await onlyMatch(join(root, "usr/lib/rabbitmq/lib"), /^rabbitmq_server-/);
  const erts = await onlyMatch(join(root, "usr/lib/erlang"), /^erts-/);
  return { sbin: join(home, "sbin"), epmd: join(erts, "bin/epmd") };
}

/** The RabbitMQ of this machine, else the one in the cache. */
export async function findRabbitmqInstallation(): Promise<RabbitmqInstallation> {
  return (await rabbitmqOnPath()) ?? rabbitmqInCache(openCache(surroundings()));
}

async function onlyMatch(folder: string, pattern: RegExp): Promise<string> {
  const name = (await readdir(folder)).find((entry) => pattern.test(entry));
  if (name === undefined) throw new Error(`Nothing in ${folder} matches ${pattern}`);
  return join(folder, name);
}
