import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { type Guardian, guard } from "./guardian.js";

/** What to run, where, and where its output goes. */
export interface OwnedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Standard output and standard error are appended to this file. */
  readonly logFile: string;
  /** Folder to delete should this process vanish without {@link OwnedProcess.stop}. */
  readonly disposableDir?: string | undefined;
}

/**
 * A child process that we started and therefore may signal.
 *
 * It lives in a session of its own, so Ctrl-C in the terminal reaches its owner only. However the
 * owner ends, SIGKILL included, a guardian kills the process: there are no orphans.
 */
export class OwnedProcess {
  readonly pid: number;
  /** Resolves with the exit status in words, once the process has ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #guardian: Guardian;
  readonly #logFile: string;
  #status: string | undefined;

  private constructor(child: ChildProcess, pid: number, options: OwnedProcessOptions) {
    this.#child = child;
    this.pid = pid;
    this.#logFile = options.logFile;
    this.#guardian = guard(pid, options.disposableDir);
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#status = signal === null ? `exit code ${code}` : `signal ${signal}`;
        this.#guardian.processEnded();
        resolve(this.#status);
      });
    });
    child.unref();
  }

  /** Rejects when the command cannot be executed. */
  static async start(options: OwnedProcessOptions): Promise<OwnedProcess> {
    const log = openSync(options.logFile, "a");
    try {
      const child = spawn(options.command, options.args, {
        cwd: options.cwd,
        env: options.env,
        detached: true,
        stdio: ["ignore", log, log],
      });
      const { pid } = child;
      if (pid === undefined) {
        throw await new Promise<Error>((resolve) => child.once("error", resolve));
      }
      return new OwnedProcess(child, pid, options);
    } finally {
      closeSync(log);
    }
  }

  /** How the process ended, or `undefined` while it runs. */
  get status(): string | undefined {
    return this.#status;
  }

  /** The last lines of its output, for error messages. */
  logTail(lines = 15): string {
    return readFileSync(this.#logFile, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }

  /** Does nothing when the process has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.#status === undefined) this.#child.kill(signal);
  }

  /** SIGKILL, and waits for the end. */
  async kill(): Promise<void> {
    this.#child.ref();
    this.signal("SIGKILL");
    await this.ended;
  }

  /** SIGTERM, then SIGKILL after `graceMs`. Also ends a paused process. */
  async stop(graceMs = 10_000): Promise<void> {
    this.#child.ref();
    this.signal("SIGTERM");
    this.signal("SIGCONT");
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
    this.#guardian.dismiss();
  }
}
