import { ConsumerChild } from "./consumer-child.js";
import type { ConsumerSettings } from "./consumer-settings.js";
import type { Crew } from "./disturbance.js";
import type { Journal } from "./journal.js";
import type { Progress } from "./progress.js";
import { Starts } from "./starts.js";

export interface ConsumerCrewOptions {
  readonly program: string;
  /** What all consumers of this broker have in common. */
  readonly settings: Omit<ConsumerSettings, "name" | "journal">;
  journalPath(consumer: string): string;
  /** File descriptor for whatever they print. */
  readonly log: number;
  /** The supervisor's own. */
  readonly journal: Journal;
  readonly progress: Progress;
  /** How much of what was published is settled, from 0 to 1. */
  share(): number;
}

/** How long consumers have to leave in good order when the run ends before its time, in milliseconds. */
const ABORT_LIMIT_MS = 3_000;

/** The consumer processes of one broker. */
export class ConsumerCrew implements Crew {
  readonly starts: Starts = new Starts();
  /** Rejects when a consumer ends that nobody has told to. */
  readonly failure: Promise<never>;
  readonly #options: ConsumerCrewOptions;
  readonly #children = new Map<string, ConsumerChild>();
  readonly #members = new Set<string>();
  #fail: (error: Error) => void = () => {};

  constructor(options: ConsumerCrewOptions) {
    this.#options = options;
    this.failure = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.failure.catch(() => {});
  }

  get members(): ReadonlySet<string> {
    return this.#members;
  }

  progress(): number {
    return this.#options.share();
  }

  /** Starts a process that waits to be told to join. */
  standBy(name: string): void {
    const { program, settings, journalPath, log } = this.#options;
    const child = new ConsumerChild({
      program,
      settings: { ...settings, name, journal: journalPath(name) },
      log,
      onBegin: ({ taskId }) => this.starts.report({ consumer: name, taskId }),
    });
    this.#children.set(name, child);
    void child.ended.then((end) => {
      this.#children.delete(name);
      if (this.#members.delete(name)) this.#fail(new Error(`${name} ended by itself: ${end}`));
    });
  }

  /** Starts a process that consumes at once. */
  start(name: string): void {
    this.standBy(name);
    this.#enter(name);
  }

  join(name: string): void {
    this.#enter(name);
    this.#options.progress.say(`${name} joins the group`);
  }

  async leave(name: string): Promise<void> {
    const child = this.#take(name);
    this.#options.progress.say(`${name} leaves the group`);
    await child.stop();
  }

  kill(name: string): void {
    const { journal, progress } = this.#options;
    const child = this.#take(name);
    journal.append({ event: "killed", consumer: name, pid: child.pid, atMs: Date.now() });
    child.kill();
    progress.say(`${name} (pid ${child.pid}) is killed in the middle of its work`);
  }

  /** Lets all that are left finish. */
  async stop(): Promise<void> {
    const children = [...this.#members].map((name) => this.#take(name));
    await Promise.all(children.map((child) => child.stop()));
  }

  /** Leaves no process behind, whatever happened. Those that are slow to leave are killed. */
  async abort(): Promise<void> {
    this.#members.clear();
    const children = [...this.#children.values()];
    const timer = setTimeout(() => {
      for (const child of children) child.kill();
    }, ABORT_LIMIT_MS);
    for (const child of children) child.tell("stop");
    await Promise.all(children.map(({ ended }) => ended));
    clearTimeout(timer);
  }

  #enter(name: string): void {
    this.#members.add(name);
    this.#children.get(name)?.tell("join");
  }

  /** From here on its end is expected. */
  #take(name: string): ConsumerChild {
    const child = this.#children.get(name);
    if (child === undefined || !this.#members.delete(name)) {
      throw new Error(`there is no consumer ${name}`);
    }
    return child;
  }
}
