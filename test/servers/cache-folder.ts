import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { Surroundings } from "./rung.js";

/** Our private folder for downloaded programs, and what may be done to it. */
export interface Cache {
  /** `ONLYONCE_CACHE`, else `~/.cache/onlyonce`. May not exist yet. */
  readonly folder: string;
  /** `ONLYONCE_OFFLINE=1`: what is not there stays away. */
  readonly isOffline: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly report: (line: string) => void;
}

/** Opens nothing yet: folders appear when they are filled. */
export function openCache({ env, report }: Surroundings): Cache {
  const offline = env.ONLYONCE_OFFLINE ?? "";
  return {
    folder: resolve(env.ONLYONCE_CACHE || join(homedir(), ".cache", "onlyonce")),
    isOffline: offline !== "" && offline !== "0",
    env,
    report,
  };
}

/** Whether {@link fill} has finished this folder; a half-filled one never bears its name. */
export async function isFilled(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

const running = new Map<string, Promise<void>>();

/**
 * Fills a folder once: into a temporary sibling, then renamed.
 *
 * Safe against any number of processes doing the same (the first to finish wins) and against a
 * crash at any point. Callers in one process share the work. Nothing in the folder may depend on
 * where it was made.
 */
export async function fill(folder: string, make: (dir: string) => Promise<void>): Promise<void> {
  if (await isFilled(folder)) return;
  const work = running.get(folder) ?? fillNow(folder, make);
  running.set(folder, work);
  try {
    await work;
  } finally {
    running.delete(folder);
  }
}

async function fillNow(folder: string, make: (dir: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const unfinished = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    await make(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process was faster: its folder is as good as ours.
    if (!(await isFilled(folder))) throw error;
  }
}
