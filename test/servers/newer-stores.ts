import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openCache } from "./cache-folder.js";
import { type PackageSet, unpackPackages } from "./debian-packages.js";
import { surroundings } from "./rung.js";

/** A newer server that speaks Redis, in the cache. */
export interface NewerStore {
  readonly name: string;
  /** Holds its `redis-server`: to be put in front of the path. */
  readonly bin: string;
}

/** The programs of Debian 13, whatever Debian or Ubuntu this machine has. */
const STORES: readonly (PackageSet & { readonly program: string })[] = [
  {
    name: "redis-8",
    program: "redis-server",
    release: "trixie",
    alternatives: [{ packages: ["redis-server"] }],
  },
  {
    name: "valkey-8",
    program: "valkey-server",
    release: "trixie",
    alternatives: [{ packages: ["valkey-server"] }],
  },
];

/** Runs a program of the tree by the tree's own loader and libraries: this machine's may be older. */
const starter = (program: string): string => `#!/bin/sh
root=$(cd "$(dirname "$0")/.." && pwd)
for libraries in "$root"/usr/lib/*-linux-gnu; do break; done
for loader in "$libraries"/ld-linux*.so.*; do break; done
exec "$loader" --library-path "$libraries" --argv0 ${program} "$root/usr/bin/${program}" "$@"
`;

/** Redis 8 and Valkey 8, fetched into the cache if need be. Nothing is installed into the system. */
export async function newerStores(): Promise<readonly NewerStore[]> {
  const cache = openCache(surroundings());
  const stores: NewerStore[] = [];
  for (const { program, ...set } of STORES) {
    const root = await unpackPackages(set, cache, async (tree) => {
      const bin = join(tree, "onlyonce-bin");
      await mkdir(bin);
      await writeFile(join(bin, "redis-server"), starter(program), { mode: 0o755 });
    });
    stores.push({ name: set.name, bin: join(root, "onlyonce-bin") });
  }
  return stores;
}
