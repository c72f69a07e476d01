import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../examples/demo/dist/main.js", import.meta.url));

/** The numbers of one broker, or of both, as the demo prints them. */
interface DemoNumbers {
  readonly published: number;
  readonly tasks: number;
  readonly deliveries: number;
  readonly effects: number;
  readonly dropped: {
    readonly publisher: number;
    readonly kill: number;
    readonly rebalance: number;
  };
  readonly lost: number;
  readonly doubled: number;
  readonly doubledBy: { readonly publisher: number };
  readonly explained: number;
  readonly seconds: number;
  readonly left: number;
}

/** The last line of a run with `--json`. */
export interface DemoReport {
  readonly ok: boolean;
  readonly mode: "enforce" | "off";
  readonly embedded: boolean;
  readonly brokers: { readonly rabbitmq: DemoNumbers; readonly kafka: DemoNumbers };
  readonly total: DemoNumbers;
}

interface LedgerLine {
  readonly id: string;
  readonly pid: number;
}

/** `npm run demo` as a user would run it, but for the build. Writes into a folder of its own. */
export class DemoRun {
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "onlyonce-demo-run-"));
  #stdout = "";
  #stderr = "";

  constructor(flags: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, [MAIN, ...flags], {
      env: { ...process.env, ...env, TMPDIR: this.#folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (part) => {
      this.#stdout += String(part);
    });
    this.#child.stderr?.on("data", (part) => {
      this.#stderr += String(part);
    });
    this.ended = new Promise((resolve) => this.#child.once("close", (code) => resolve(code)));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get report(): DemoReport {
    return JSON.parse(this.#stdout.trimEnd().split("\n").at(-1) ?? "");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** What the consumers have done so far, as the ledger of payments or orders has it. */
  ledger(of: "payments" | "orders"): readonly LedgerLine[] {
    const run = readdirSync(this.#folder).find((name) => name.startsWith("onlyonce-demo-"));
    const path = join(this.#folder, run ?? "", `${of}.ledger.jsonl`);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  /** Ends it if it still runs, and removes what it wrote. */
  async remove(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
    rmSync(this.#folder, { recursive: true });
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
