import type { ClaimRequest, KeyRecord, Origin, Release } from "@onlyonce/core";
import type { StoreVerb } from "./faulty-store.js";
import type { Span } from "./model-span.js";

/** The fields of a record, whatever its state. */
export interface ModelRecord {
  readonly state: "claimed" | "failed" | "completed";
  /** Of the claim, of the last release, or of the completion. */
  readonly token: string;
  /** Counts the grants. */
  readonly grant: number;
  /** Failures and marked starts. */
  readonly attempts: number;
  /** A lapse was seen. */
  readonly isSuspect: boolean;
  /** The start of this grant's handler was marked. */
  readonly isStarted: boolean;
  readonly leaseEnd: Span;
  readonly firstSeen: Span;
  readonly expiry: Span;
  readonly origin: Origin;
  readonly fingerprint: string | undefined;
  readonly result: Uint8Array | undefined;
  /** What the completion was answered the first time. */
  readonly answer: string;
  /** The turn of the call that wrote it last. */
  readonly writtenAt: number;
}

/** What stands under a key. */
export type Kept =
  | ModelRecord
  | "absent"
  | "malformed"
  | "newer claimed"
  | "newer failed"
  | "newer completed";

/** What was inspected, and what stood there as far as the model knows. */
export interface Look {
  readonly record: KeyRecord;
  readonly kept: readonly Kept[];
}

/** What a call asks of one key, with the fields of all verbs. */
export type Request = ClaimRequest & {
  readonly grant?: number | undefined;
  readonly result?: Uint8Array;
  readonly as?: Release["as"];
};

/** A call as one key sees it. */
export type Operation =
  | { readonly verb: StoreVerb; readonly request: Request }
  | { readonly verb: "inspect" }
  | { readonly verb: "forget"; readonly seen: Look | undefined };

/** When a call is executed; `turn` counts the calls. */
export interface Moment extends Span {
  readonly turn: number;
}

/** What a call is answered, and what it leaves. */
export interface Decision {
  readonly reply: unknown;
  readonly kept: Kept;
}

/** Who asks, in words. */
export function toldRequest({ token, grant, as }: Request): string {
  return `${token}${grant === undefined ? "" : `, grant ${grant}`}${as === undefined ? "" : `, as ${as}`}`;
}
