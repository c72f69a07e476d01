import type { Clock } from "@onlyonce/core";

interface Pause {
  readonly cancel: () => void;
  readonly resume: () => void;
}

/** Lets partitions rest for a while. One timer per partition at most; none keeps the process alive. */
export class Pauses {
  readonly #clock: Clock;
  readonly #resting = new Map<string, Pause>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many partitions rest right now. */
  get size(): number {
    return this.#resting.size;
  }

  /**
   * Pauses a partition through the client and resumes it after `delayMs`. A pause that is still on ends first: should
   * it be another consumer's (one run config may serve several), its partition comes back early instead of never.
   */
  rest(partition: string, pause: () => () => void, delayMs: number): void {
    this.#end(partition);
    const resume = pause();
    const cancel = this.#clock.after(delayMs, () => this.#end(partition));
    this.#resting.set(partition, { cancel, resume });
  }

  #end(partition: string): void {
    const pause = this.#resting.get(partition);
    if (pause === undefined) return;
    this.#resting.delete(partition);
    pause.cancel();
    try {
      pause.resume();
    } catch {
      // The consumer is closed: there is nothing left to resume.
    }
  }
}
