import { setMaxListeners } from "node:events";
import type { AttendOptions } from "./attend.js";
import type { Clock } from "./clock.js";
import { wait } from "./wait.js";

export interface PatienceLimits {
  readonly busyWaitMs: number;
  readonly storeWaitMs: number;
  /** See `AttendOptions.enterWait`. */
  readonly enterWait: AttendOptions["enterWait"];
  readonly stops: readonly AbortSignal[];
}

/** How long one delivery may wait in place, and whether it may at all. Time counts from its first wait of a kind. */
export class Patience {
  readonly #clock: Clock;
  readonly #limits: PatienceLimits;
  readonly #untilMs: { busy?: number; store?: number } = {};
  #stop: AbortController | undefined;
  #leaveRoom: (() => void) | undefined;

  constructor(clock: Clock, limits: PatienceLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Told to stop waiting: shutdown, revocation, channel loss. */
  get isStopped(): boolean {
    return this.#limits.stops.some((signal) => signal.aborted);
  }

  /** Aborts with any of the stops. Made when first asked for: most deliveries never wait. */
  get signal(): AbortSignal {
    if (this.#stop === undefined) {
      this.#stop = new AbortController();
      if (this.isStopped) this.#stop.abort();
      // As many deliveries may wait as the adapter lets in: that is no leak to warn of.
      setMaxListeners(0, ...this.#limits.stops);
      for (const signal of this.#limits.stops) signal.addEventListener("abort", this.#onStop);
    }
    return this.#stop.signal;
  }

  /** What is left for waiting, in milliseconds; 0 when there is no room, no time, or a stop. */
  leftMs(kind: "busy" | "store"): number {
    if (this.isStopped) return 0;
    const now = this.#clock.nowMs();
    const until = this.#untilMs[kind] ?? now + this.#limits[`${kind}WaitMs`];
    if (until <= now || !this.#enterRoom(kind)) return 0;
    this.#untilMs[kind] = until;
    return until - now;
  }

  /** How long it has been waiting for somebody else's claim, in milliseconds; 0: it did not have to. */
  get waitedForOwnerMs(): number {
    const untilMs = this.#untilMs.busy;
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
      for (const signal of this.#limits.stops) signal.removeEventListener("abort", this.#onStop);
      this.#stop = undefined;
    }
    this.#leaveRoom?.();
    this.#leaveRoom = undefined;
  }

  readonly #onStop = (): void => {
    this.#stop?.abort();
  };

  #enterRoom(kind: "busy" | "store"): boolean {
    if (this.#leaveRoom !== undefined || this.#limits.enterWait === undefined) return true;
    this.#leaveRoom = this.#limits.enterWait(kind);
    return this.#leaveRoom !== undefined;
  }
}
