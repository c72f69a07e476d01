import { join } from "node:path";
import { openCache } from "../servers/cache-folder.js";
import { type PackageSet, unpackPackages } from "../servers/debian-packages.js";
import { findProgram } from "../servers/program-search.js";
import { surroundings } from "../servers/rung.js";

/** Programs that check a model. */
export interface Tools {
  readonly spin: string;
  readonly gcc: string;
}

/** Without its compiler: that one is not for unpacking, and spin calls it by its name. */
const PACKAGES: PackageSet = { name: "spin", alternatives: [{ packages: ["spin"] }] };

/** Those of this machine; spin else from the distribution's archive, unpacked into the private cache. */
export async function findTools(env: NodeJS.ProcessEnv = process.env): Promise<Tools> {
  const gcc = await findProgram("gcc", env);
  if (gcc === undefined) {
    throw new Error(
      "checking the model of the claim protocol needs gcc on the PATH (spin makes a C program of a model): install it, for example with `apt-get install gcc libc6-dev`",
    );
  }
  return { gcc, spin: (await findProgram("spin", env)) ?? (await unpackedSpin(env)) };
}

async function unpackedSpin(env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const root = await unpackPackages(PACKAGES, openCache(surroundings({ env })));
    return join(root, "usr/bin/spin");
  } catch (error) {
    throw new Error(
      `checking the model of the claim protocol needs spin 6.5, which is neither on the PATH nor could be fetched: install it, for example with \`apt-get install spin\``,
      { cause: error },
    );
  }
}
