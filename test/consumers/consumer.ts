import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inject } from "vitest";
import { openCache } from "../servers/cache-folder.js";
import { surroundings } from "../servers/rung.js";
import { npmInstall, outsideEnvironment } from "./npm.js";
import type { PackageName } from "./tarballs.js";

const execute = promisify(execFile);

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  /** @defaultValue the Node.js of the tests */
  readonly node?: string;
  /** On top of a user's own environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A project of somebody who uses our packages, outside the repository. */
export interface Consumer {
  readonly folder: string;
  /** Runs Node.js in the project; rejects with all that was said when it fails. */
  run(args: readonly string[], options?: RunOptions): Promise<Output>;
  remove(): Promise<void>;
}

/** Copies the project of that name and installs what it needs, our packages from their tarballs. */
export async function installConsumer(
  name: string,
  packages: readonly PackageName[],
): Promise<Consumer> {
  const folder = await mkdtemp(join(tmpdir(), `onlyonce-consumer-${name}-`));
  const consumer: Consumer = {
    folder,
    run: (args, options = {}) => runIn(folder, args, options),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
  try {
    await cp(fileURLToPath(new URL(name, import.meta.url)), folder, { recursive: true });
    const tarballs = inject("tarballs");
    const { isOffline, env } = openCache(surroundings());
    await npmInstall({
      folder,
      packages: packages.map((each) => tarballs[each]),
      isOffline,
      env,
    });
    return consumer;
  } catch (error) {
    await consumer.remove();
    throw error;
  }
}

async function runIn(
  folder: string,
  args: readonly string[],
  { node = process.execPath, env = {} }: RunOptions,
): Promise<Output> {
  try {
    return await execute(node, [...args], {
      cwd: folder,
      env: { ...outsideEnvironment(process.env), ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout, stderr } = error as Partial<Output>;
    throw new Error(`node ${args.join(" ")} failed:\n${stdout ?? ""}${stderr ?? ""}`, {
      cause: error,
    });
  }
}
