import type { Clock } from "@onlyonce/core";
import type { HeartbeatPump } from "./heartbeat.js";
import type { KafkaBatch } from "./payload.js";

/** How many handlers that never wait may follow one another before the event loop turns. */
const HANDLERS_A_TURN = 16;

/** Between handlers that take longer than this, in milliseconds, the client has its turn each time. */
const LONGEST_TURN_MS = 20;

/** Lets the client have its turn between handlers, as kafkajs does between messages: for a heartbeat and for commits. */
export class ClientTurns {
  readonly #payload: KafkaBatch;
  readonly #pump: HeartbeatPump;
  readonly #clock: Clock;
  /** Handlers since the client's last turn, and when that was. */
  #handled = 0;
  #turnedAtMs = 0;

  constructor(payload: KafkaBatch, pump: HeartbeatPump, clock: Clock) {
    this.#payload = payload;
    this.#pump = pump;
    this.#clock = clock;
  }

  /** A handler is through, or a group of them. True: `take` a turn before the next one. */
  isDue(): boolean {
    this.#handled += 1;
    return (
      this.#handled >= HANDLERS_A_TURN || this.#clock.nowMs() - this.#turnedAtMs >= LONGEST_TURN_MS
    );
  }

  /**
   * Lets answers, renewals and heartbeats through where handlers would not: they never wait for anything. False: leave the
   * rest of the batch to the client's own recovery.
   */
  async take(): Promise<boolean> {
    if (this.#handled >= HANDLERS_A_TURN) await new Promise((resolve) => setImmediate(resolve));
    this.#handled = 0;
    this.#turnedAtMs = this.#clock.nowMs();
    if (!(await this.#pump.beat())) return false;
    try {
      await this.#payload.commitOffsetsIfNecessary?.();
      return true;
    } catch {
      // What is resolved stays resolved: the client commits it at the end of the batch, and deals with its own error there.
      return false;
    }
  }
}
