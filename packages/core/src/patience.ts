import { offAbort, onAbort } from "./abort-listeners.js";
import type { AttendOptions } from "./attend.js";
import type { Clock } from "./clock.js";
import { wait } from "./wait.js";

export interface PatienceLimits {
  readonly busyWaitMs: number;
  readonly storeWaitMs: number;
  /** See `AttendOptions.enterWait`. */
  readonly enterWait: AttendOptions["enterWait"];
  /** Shutdown of the deduplicator. */
  readonly closing: AbortSignal;
  /** The caller's own: revocation, channel loss. */
  readonly signal: AbortSignal | undefined;
}

/** How long one delivery may wait in place, and whether it may at all. Time counts from its first wait of a kind. */
export class Patience {
  readonly #clock: Clock;
  readonly #limits: PatienceLimits;
  #busyUntilMs: number | undefined;
  #storeUntilMs: number | undefined;
  #stop: AbortController | undefined;
  #onStop: (() => void) | undefined;
  #leaveRoom: (() => void) | undefined;

  constructor(clock: Clock, limits: PatienceLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Told to stop waiting: shutdown, revocation, channel loss. */
  get isStopped(): boolean {
    return this.#limits.closing.aborted || this.#limits.signal?.aborted === true;
  }

  /** Aborts with any of the stops. Made when first asked for: most deliveries never wait. */
  get signal(): AbortSignal {
    if (this.#stop === undefined) {
      this.#stop = new AbortController();
      if (this.isStopped) this.#stop.abort();
      const { closing, signal } = this.#limits;
      onAbort(closing, this.#stopWaiting);
      if (signal !== undefined) onAbort(signal, this.#stopWaiting);
    }
    return this.#stop.signal;
  }

  /** What is left for waiting, in milliseconds; 0 when there is no room, no time, or a stop. */
  leftMs(kind: "busy" | "store"): number {
    if (this.isStopped) return 0;
    const now = this.#clock.nowMs();
    const isBusy = kind === "busy";
    const until = isBusy
      ? (this.#busyUntilMs ?? now + this.#limits.busyWaitMs)
      : (this.#storeUntilMs ?? now + this.#limits.storeWaitMs);
    if (until <= now || !this.#enterRoom(kind)) return 0;
    if (isBusy) this.#busyUntilMs = until;
    else this.#storeUntilMs = until;
    return until - now;
  }

  /** How long it has been waiting for somebody else's claim, in milliseconds; 0: it did not have to. */
  get waitedForOwnerMs(): number {
    const untilMs = this.#busyUntilMs;
    if (untilMs === undefined) return 0;
    return this.#clock.nowMs() - (untilMs - this.#limits.busyWaitMs);
  }

  /** Waits `delayMs`, or what is left of it. False: no more waiting. */
  async wait(kind: "busy" | "store", delayMs: number): Promise<boolean> {
    const left = this.leftMs(kind);
    if (left <= 0) return false;
    await wait(this.#clock, Math.min(delayMs, left), this.signal);
    return !this.isStopped;
  }

  /** The waiting is over: gives the room back and lets go of the signals. */
  end(): void {
    if (this.#stop !== undefined) {
      const { closing, signal } = this.#limits;
      offAbort(closing, this.#stopWaiting);
      if (signal !== undefined) offAbort(signal, this.#stopWaiting);
      this.#stop = undefined;
    }
    this.#leaveRoom?.();
    this.#leaveRoom = undefined;
  }

  /** Made when first asked for, as the signal is. */
  get #stopWaiting(): () => void {
    this.#onStop ??= () => this.#stop?.abort();
    return this.#onStop;
  }

  #enterRoom(kind: "busy" | "store"): boolean {
    if (this.#leaveRoom !== undefined || this.#limits.enterWait === undefined) return true;
    this.#leaveRoom = this.#limits.enterWait(kind);
    return this.#leaveRoom !== undefined;
  }
}
