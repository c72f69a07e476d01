import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where and how a {@link runCommand} runs. */
export interface CommandOptions {
  readonly cwd: string;
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
}

/** Resolves with standard output; rejects with what the command said when it fails. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  try {
    const { stdout } = await run(command, args, { ...options, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    throw new Error(`${command} ${args[0] ?? ""} failed: ${spokenBy(error)}`, { cause: error });
  }
}

function spokenBy(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stderr, stdout } = error as Error & { stderr?: string; stdout?: string };
  const said = `${stdout ?? ""}${stderr ?? ""}`.trim();
  return said === "" ? error.message : said.split("\n").slice(-12).join("\n");
}
