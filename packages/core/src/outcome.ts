import type { Origin } from "./delivery.js";

/** The one final verdict per delivery. Over all deliveries, outcomes sum to deliveries. */
export type Outcome =
  | "processed"
  | "failed"
  | "duplicate"
  | "busy"
  | "conflict"
  | "claim_lost"
  | "store_error"
  | "unprotected";

export type OutcomeDetail =
  /** failed: dead-lettered (or handed to the caller as permanent). */
  | "poison"
  /** unprotected, or failed where missing keys are rejected: no key strategy found a key. */
  | "key_missing"
  /** duplicate, busy, conflict: the handler ran all the same. */
  | "shadow"
  /** unprotected: the mode of the topic is `off`. */
  | "off"
  /** unprotected: the store could not be reached and the policy is to process. */
  | "store_down"
  /** processed: the handler called `skip()`; nothing is remembered. */
  | "skipped"
  /** processed: recorded after the lease had lapsed. May hide a double. */
  | "late"
  /** processed: recorded, but the store had lost the claim. May hide a double. */
  | "vanished"
  /** processed: the work is done, but recording it was given up. May hide a double. */
  | "unrecorded";

/** What the adapter tells the broker. */
export type Settlement =
  /** Done with this message: ack, resolve. */
  | "ack"
  /** To the broker's own dead-letter exchange: reject without requeue. */
  | "reject"
  /** Not yet: hand it back, and let it come again after `retryAfterMs`. */
  | "retry"
  /** Shutting down: leave it untouched, neither acked nor handed back. */
  | "return";

/** Everything an adapter needs to settle one delivery. */
export interface Verdict<Result = unknown> {
  /** Undefined only with settlement `return`: a delivery returned untouched is not yet an outcome. One that lost its claim before is. */
  readonly outcome: Outcome | undefined;
  readonly settlement: Settlement;
  /** Why `retry`; selects the adapter's back-off. */
  readonly reason?: "failed" | "busy" | "store" | "poison" | "conflict";
  readonly detail?: OutcomeDetail;
  /** What the handler resolved with. */
  readonly value?: Result;
  /** The stored result of the original, where one was kept. */
  readonly result?: Uint8Array;
  /** Who did, or is doing, the work. */
  readonly origin?: Origin;
  /** The attempt this delivery was. */
  readonly attempt?: number;
  /** The handler's own error, or an `OnlyOnceError`. */
  readonly error?: unknown;
  /** A lower bound for the next try, in milliseconds. */
  readonly retryAfterMs?: number;
}
