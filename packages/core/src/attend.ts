import type { Deduplicator } from "./deduplicator.js";
import type { Delivery } from "./delivery.js";
import { engineOf } from "./engine.js";
import type { DeadLetterReason, Handler } from "./handler.js";
import type { Verdict } from "./outcome.js";
import type { ResolvedPolicy } from "./policy.js";

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
  /** Turns the handler's result into the bytes that a duplicate gets back. Undefined: nothing is stored. */
  readonly encode?: (value: unknown) => Uint8Array | undefined;
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
export function attend<Result>(
  deduplicator: Deduplicator,
  delivery: Delivery,
  handler: Handler<Result>,
  options: AttendOptions = {},
): Promise<Verdict<Result>> {
  return engineOf(deduplicator).attend(delivery, handler, options);
}

/** Claims several deliveries at once; their handlers run later, in any order, through the tickets. */
export function claimAll(
  deduplicator: Deduplicator,
  deliveries: readonly Delivery[],
  options: AttendOptions = {},
): Promise<readonly Ticket[]> {
  return engineOf(deduplicator).claimAll(deliveries, options);
}

/** The resolved policy of a topic: what an adapter sizes its own waits by. */
export function topicPolicy(deduplicator: Deduplicator, topic: string): ResolvedPolicy {
  return engineOf(deduplicator).policies.of(topic);
}
