import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Folders that hold servers but are missing from an ordinary user's PATH. */
const ALSO = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin"];

/** The first executable of that name on PATH or in the usual folders for servers. */
export async function findProgram(
  program: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of [...folders, ...ALSO]) {
    const file = join(folder, program);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** Whether this user may execute the file. */
export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
