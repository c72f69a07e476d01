import type { Delivery, Origin } from "./delivery.js";
import type { DuplicateKind } from "./duplicate-kind.js";
import type { MessageKey } from "./message-key.js";
import type { Outcome, OutcomeDetail } from "./outcome.js";
import type { Finding } from "./store.js";

/**
 * One arrival of a delivery, from its claim to its verdict: the same object in every call about it, while two arrivals
 * may share a delivery.
 */
export interface Arrival {
  readonly delivery: Delivery;
  /** Digest of scope, topic and message key: 22 base64url characters. Undefined: there is no key. */
  readonly key: string | undefined;
  /** What the key strategy found. May be personal data. */
  readonly messageKey: MessageKey | undefined;
}

/** What asking for a claim came to, waiting included. */
export interface ClaimEvent {
  readonly result: "acquired" | "reclaimed" | "duplicate" | "busy" | "conflict" | "error";
  /** Which attempt the handler is about to be. With `acquired` and `reclaimed`. */
  readonly attempt?: number;
  /** `duplicate`, `conflict`: who did the work; `busy`: who holds the claim; `reclaimed`: who held it before. */
  readonly origin?: Origin;
  /** With `duplicate` and `busy`. */
  readonly kind?: DuplicateKind;
  /** How long it waited for the owner of the claim, in milliseconds. Absent: it did not. */
  readonly waitedMs?: number;
  /** With `error`: what the store said. */
  readonly error?: unknown;
  /** With `error`: the handler runs all the same. */
  readonly failsOpen?: boolean;
}

/** One call of the store, as its caller saw it. */
export interface StoreCall {
  readonly operation: "claim" | "start" | "renew" | "complete" | "release";
  /** The store's `system`. */
  readonly system?: string;
  readonly durationMs: number;
  /** How many keys it was about. */
  readonly size: number;
  /** Of a claim, where it is the same for all of its keys. */
  readonly result?: ClaimEvent["result"];
  /** Why it failed, as a whole or for one of its keys. */
  readonly error?: unknown;
}

/** The final verdict on one delivery. */
export interface OutcomeEvent {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  readonly detail?: OutcomeDetail;
  /** Who did, or is doing, the work. */
  readonly origin?: Origin;
  readonly attempt?: number;
  readonly error?: unknown;
  /** With `duplicate`: a stored result is handed back. */
  readonly replayed?: true;
}

/** How a claim was lost: nobody renewed it in time, somebody else has it, or renewals were not answered. */
export type ClaimLoss = "expired" | "taken_over" | "renew_failed";

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
  /** With `lease_lost`. */
  readonly loss?: ClaimLoss;
  /** With `lease_lost` and `time_up`: since the handler started, in milliseconds. */
  readonly ranMs?: number;
}

/** Receives what happens. An observer that throws never changes an outcome. */
export interface Observer {
  /** Wraps claim, handler and completion of one delivery. Must call `next` once and return what it returns. */
  around?<Result>(
    delivery: Delivery,
    next: () => Promise<Result>,
    arrival: Arrival,
  ): Promise<Result>;
  /**
   * The W3C `traceparent` of the span that does the work, to store with the claim. Where claims are taken ahead it is
   * asked for before `around` is called.
   */
  traceparent?(arrival?: Arrival): string | undefined;
  /** A claim was asked for, inside of `around`; again where the claim was lost. Not without a key, and not with mode `off`. */
  claim?(event: ClaimEvent, arrival: Arrival): void;
  /** The handler is about to be called: in the run of `arrival`, with or without a claim. */
  handlerStarted?(arrival: Arrival): void;
  /** The handler has settled. */
  handlerEnded?(arrival: Arrival): void;
  /**
   * The store answered, or failed. A call may be about many deliveries. An observer that has this property when it is
   * given may answer undefined while it does not want to hear: then calls are not even timed.
   */
  readonly storeCall?: ((call: StoreCall) => void) | undefined;
  outcome?(event: OutcomeEvent, arrival: Arrival): void;
  incident?(incident: Incident, arrival?: Arrival): void;
  /** Nothing more is told of this arrival. Without an outcome before it, the delivery was returned untouched. */
  left?(arrival: Arrival): void;
  finding?(finding: Finding): void;
}
