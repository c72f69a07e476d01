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
  readonly deadLetter?: ((why: DeadLetterReason, delivery: Delivery) => Promise<void>) | "reject";
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
  readonly enterWait?: (waitsFor: "busy" | "store") => (() => void) | undefined;
  /** Turns the handler's result into the bytes that a duplicate gets back. Undefined: nothing is stored. */
  readonly encode?: (value: unknown) => Uint8Array | undefined;
}

/** A run under way. Neither promise ever rejects. */
export interface Run<Result> {
  /**
   * Whether the next delivery may start, as early as that is known. True: the handler has resolved and its completion
   * was sent (the verdict, which follows when that is answered, will say `ack`), or the verdict says `ack`. False: the
   * verdict is there and says something else.
   */
  readonly handled: Promise<boolean>;
  readonly verdict: Promise<Verdict<Result>>;
}

/** A delivery that was claimed ahead. Call exactly one of `run`, `start` and `abandon`. */
export interface Ticket {
  /**
   * What is known before it runs. `later`: its key was taken (by an equal one before it, or elsewhere) or the store did
   * not answer; it holds nothing, and claims when it runs.
   */
  readonly status: "run" | "later" | "duplicate" | "busy" | "conflict" | "store_error" | "return";
  /** Runs the handler if the claim allows it; reports the outcome once; never rejects. */
  run<Result>(handler: Handler<Result>): Promise<Verdict<Result>>;
  /** The same in two steps, so that completions flow behind handlers. */
  start<Result>(handler: Handler<Result>): Run<Result>;
  /**
   * Gives an unstarted claim back; does nothing once it runs. No outcome is reported. Resolves in bounded time: what the
   * store does not answer is tried again in the background, while the lease lives.
   */
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

/**
 * Claims several deliveries in one call of the store; their handlers run later, in any order, through the tickets. Never
 * waits for a key or for the store: a delivery that would have to is claimed for when it runs. Until then the claims are
 * renewed as one group, and each is checked again before its handler starts. Never rejects.
 */
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
