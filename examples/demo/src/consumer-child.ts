import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  type Begun,
  type ConsumerSettings,
  type Order,
  toEnvironment,
} from "./consumer-settings.js";

export interface ConsumerChildOptions {
  /** File name of the program, beside this one. */
  readonly program: string;
  readonly settings: ConsumerSettings;
  /** File descriptor for whatever it prints. */
  readonly log: number;
  onBegin(begun: Begun): void;
}

/** One consumer process, as its supervisor sees it. */
export class ConsumerChild {
  readonly name: string;
  readonly pid: number;
  /** Resolves with how it ended, in words. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;

  constructor({ program, settings, log, onBegin }: ConsumerChildOptions) {
    const path = fileURLToPath(new URL(program, import.meta.url));
    this.#child = fork(path, { env: toEnvironment(settings), stdio: ["ignore", log, log, "ipc"] });
    this.name = settings.name;
    this.pid = this.#child.pid ?? 0;
    this.#child.on("message", (message) => onBegin(message as Begun));
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
  }

  tell(order: Order): void {
    // It may have ended a moment ago; whoever waits for `ended` learns that.
    if (this.#child.connected) this.#child.send(order, () => {});
  }

  /** Takes effect at once, in the middle of whatever it does. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Lets it finish what it is doing. Rejects unless it ends in good order. */
  async stop(): Promise<void> {
    this.tell("stop");
    const end = await this.ended;
    if (end !== "exit code 0") throw new Error(`${this.name} did not stop in good order: ${end}`);
  }
}
