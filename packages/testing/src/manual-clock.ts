import type { Clock } from "@onlyonce/core";

interface Timer {
  readonly dueAtMs: number;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  /** Ordered by due time; equal times in the order of their creation. */
  readonly #timers: Timer[] = [];
  #advancing: Promise<void> = Promise.resolve();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** How many timers wait to fire: zero after everything that used this clock was closed. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  after(delayMs: number, run: () => void): () => void {
    if (Number.isNaN(delayMs)) throw new RangeError("delayMs must be a number, got NaN");
    const timer: Timer = { dueAtMs: this.#nowMs + Math.max(0, delayMs), run };
    const later = this.#timers.findIndex((other) => other.dueAtMs > timer.dueAtMs);
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer);
    return () => {
      const place = this.#timers.indexOf(timer);
      if (place !== -1) this.#timers.splice(place, 1);
    };
  }

  /**
   * Moves time forward. Every timer that falls due on the way fires at its own time and in order, also one that was
   * set meanwhile; all promise jobs run before time starts to move, after each timer, and at the end. Rejects with
   * what a timer threw. Calls that overlap follow one another.
   */
  advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) {
      throw new RangeError(`ms must be a number from 0, got ${ms}`);
    }
    const advanced = this.#advancing.then(() => this.#move(ms));
    this.#advancing = advanced.catch(() => undefined);
    return advanced;
  }

  async #move(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await promiseJobs();
    for (let next = this.#timers[0]; next !== undefined; next = this.#timers[0]) {
      if (next.dueAtMs > targetMs) break;
      this.#timers.shift();
      this.#nowMs = Math.max(this.#nowMs, next.dueAtMs);
      next.run();
      await promiseJobs();
    }
    this.#nowMs = targetMs;
    await promiseJobs();
  }
}

/** Resolves when no promise job is left: they all run before the event loop turns. */
function promiseJobs(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
