import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Programs of this folder, as they are compiled. */
export type ChildProgram = "one-claim" | "payments" | "orders" | "invoices" | "traced";

/** What a child says: one word, and what belongs to it. */
export interface ChildMessage {
  readonly event:
    | "ready"
    | "started"
    | "finished"
    | "outcome"
    | "incident"
    | "crashing"
    | "crashed"
    | "dead_lettered"
    | "stopping"
    | "stopped";
  readonly id?: string;
  readonly attempt?: number;
  readonly partition?: number;
  readonly outcome?: string;
  readonly atMs: number;
}

/** A consumer in a process of its own, which a test can kill, freeze and listen to. */
export class Child {
  readonly messages: ChildMessage[] = [];
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #listeners = new Set<() => void>();
  #exitedAtMs: number | undefined;
  #stderr = "";

  constructor(program: ChildProgram, settings: object) {
    const main = fileURLToPath(new URL(`../dist/children/${program}-main.js`, import.meta.url));
    this.#process = fork(main, [JSON.stringify(settings)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: [],
    });
    this.#exited = once(this.#process, "exit");
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-20_000);
    });
    this.#process.on("message", (message: ChildMessage) => {
      this.messages.push(message);
      for (const listener of this.#listeners) listener();
    });
    this.#process.on("exit", () => {
      this.#exitedAtMs = performance.timeOrigin + performance.now();
      for (const listener of this.#listeners) listener();
    });
  }

  /** Undefined while it runs, and when a signal ended it. */
  get exitCode(): number | undefined {
    return this.#process.exitCode ?? undefined;
  }

  /** Seen from here, milliseconds since 1970; undefined while it runs. */
  get exitedAtMs(): number | undefined {
    return this.#exitedAtMs;
  }

  get hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  say(word: "go" | "finish"): void {
    this.#process.send(word);
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): void {
    this.#process.kill(signal);
  }

  exited(): Promise<unknown> {
    return this.#exited;
  }

  async kill(): Promise<void> {
    if (this.hasExited) return;
    this.#process.kill("SIGCONT");
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  of(event: ChildMessage["event"], id?: string): readonly ChildMessage[] {
    return this.messages.filter(
      (message) => message.event === event && (id === undefined || message.id === id),
    );
  }

  /** The first message that fits; rejects when the child ends or the time is up before it came. */
  heard(event: ChildMessage["event"], withinMs: number, id?: string): Promise<ChildMessage> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => fail(`said no "${event}" within ${withinMs} ms`), withinMs);
      const fail = (what: string): void => {
        end();
        reject(new Error(`a child ${what}; it wrote: ${this.#stderr || "nothing"}`));
      };
      const end = (): void => {
        clearTimeout(limit);
        this.#listeners.delete(look);
      };
      const look = (): void => {
        const [first] = this.of(event, id);
        if (first !== undefined) {
          end();
          resolve(first);
        } else if (this.hasExited) fail(`ended before it said "${event}"`);
      };
      this.#listeners.add(look);
      look();
    });
  }
}
