import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** Our private folder for downloaded services: `ONLYONCE_CACHE`, else `~/.cache/onlyonce`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env.ONLYONCE_CACHE;
  if (named !== undefined && named !== "") return resolve(named);
  const home = env.XDG_CACHE_HOME;
  return home !== undefined && home !== ""
    ? join(home, "onlyonce")
    : join(homedir(), ".cache", "onlyonce");
}

const fills = new Map<string, Promise<void>>();

/** Whether the folder was filled by {@link fill}; a half-filled one never bears its name. */
export async function isFilled(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Fills a folder once: into a temporary sibling, then renamed.
 *
 * Safe against any number of processes doing the same (the first to finish wins), and against a
 * crash at any point. Callers in one process share the work. Nothing in the folder may depend on
 * where it was made.
 */
export async function fill(folder: string, make: (dir: string) => Promise<void>): Promise<void> {
  if (await isFilled(folder)) return;
  const running = fills.get(folder) ?? fillNow(folder, make);
  fills.set(folder, running);
  try {
    await running;
  } finally {
    fills.delete(folder);
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
    if (!(await isFilled(folder))) throw error;
  }
}
