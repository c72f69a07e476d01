import type { Delivery, Origin } from "./delivery.js";
import type { Outcome, OutcomeDetail } from "./outcome.js";
import type { Finding } from "./store.js";

/** The final verdict on one delivery. */
export interface OutcomeEvent {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  readonly detail?: OutcomeDetail;
  /** Who did, or is doing, the work. */
  readonly origin?: Origin;
  readonly attempt?: number;
  readonly error?: unknown;
}

/** Something worth counting that is not a verdict. */
export interface Incident {
  readonly delivery?: Delivery;
  readonly kind: /** The signal of a running handler was aborted: its lease was lost. */
    | "lease_lost"
    /** The signal of a running handler was aborted: longest processing time. */
    | "time_up"
    /** The store had lost the record of a running claim; renewal restored it. */
    | "claim_restored"
    /** A per-message window was not a valid number; the topic's was used. */
    | "window_invalid"
    /** The fingerprint strategy threw; the delivery is guarded by its key alone. */
    | "fingerprint_failed"
    /** A dead letter could not be published; the message is handed back. */
    | "dead_letter_failed"
    /** Poison without a dead-letter target: retried at the longest back-off. */
    | "dead_letter_missing"
    /** A handler's result could not be encoded, or is too large: duplicates get no result. */
    | "result_not_stored";
  readonly error?: unknown;
  readonly origin?: Origin;
}

/** Receives what happens. An observer that throws never changes an outcome. */
export interface Observer {
  /** Wraps claim, handler and completion of one delivery. Must call `next` once and return what it returns. */
  around?<Result>(delivery: Delivery, next: () => Promise<Result>): Promise<Result>;
  /** The W3C `traceparent` to store with the claim: of the span that `around` opened. */
  traceparent?(): string | undefined;
  outcome?(event: OutcomeEvent): void;
  incident?(incident: Incident): void;
  finding?(finding: Finding): void;
}
