import type { Delivery } from "./delivery.js";
import type { Deduplicator } from "./deduplicator.js";
import type { DeadLetterReason, Handler } from "./handler.js";
import type { Verdict } from "./outcome.js";

export interface AttendOptions {
  /**
   * Makes a poison (or conflicting) message durable elsewhere; resolves when it is. `"reject"`: the broker does it
   * when the delivery is settled as `reject`. Undefined: there is no dead-letter target.
   */
  readonly deadLetter?: ((why: DeadLetterReason) => Promise<void>) | "reject";
  /** Stops waiting (not the handler) and returns the delivery untouched: shutdown, revocation, channel loss. */
  readonly signal?: AbortSignal;
  /** How long to wait in place for a busy key, in milliseconds. Default: the topic's `busyWaitMs`. */
  readonly busyWaitMs?: number;
  /** How long to retry in place while the store is down, in milliseconds. Default: the topic's `busyWaitMs`. */
  readonly storeWaitMs?: number;
  /**
   * Asked when the delivery has to wait (busy key or store down). Undefined: no room, do not wait. Otherwise the
   * returned function is called once when the waiting ends. Lets an adapter cap how many deliveries wait.
   */
  readonly enterWait?: () => (() => void) | undefined;
}

/** A claimed delivery, or the reason why there is none. Call exactly one of `run` and `abandon`. */
export interface Ticket {
  readonly status: "run" | "duplicate" | "busy" | "conflict" | "store_error" | "return";
  /** Runs the handler if the status is `run`; reports the outcome once; never rejects. */
  run<Result>(handler: Handler<Result>): Promise<Verdict<Result>>;
  /** Gives an unstarted claim back. No outcome is reported. */
  abandon(): Promise<void>;
}

/**
 * Takes one delivery from claim to verdict: claims, waits while busy, runs the handler, records, reports one outcome.
 * Never rejects; what the adapter must tell the broker is in `settlement`.
 */
export declare function attend<Result>(
  deduplicator: Deduplicator,
  delivery: Delivery,
  handler: Handler<Result>,
  options?: AttendOptions,
): Promise<Verdict<Result>>;

/** Claims several deliveries in one call to the store; their handlers run later, through the tickets. */
export declare function claimAll(
  deduplicator: Deduplicator,
  deliveries: readonly Delivery[],
  options?: AttendOptions,
): Promise<readonly Ticket[]>;
