import type { Origin } from "./delivery.js";
import type { ClaimRequest, CompleteReply, StoreFailure } from "./store.js";

interface RecordBase {
  /** Of the claim, of the last release, or of the completion. */
  readonly token: string;
  readonly origin: Origin;
  readonly firstSeenAtMs: number;
  readonly expiresAtMs: number;
}

/** A key that somebody holds, or held until the lease lapsed. */
export interface ClaimedRecord extends RecordBase {
  readonly state: "claimed";
  /** Counts the grants of this record, from 1. */
  readonly grant: number;
  /** Failures and marked starts, this grant's own start included. */
  readonly attempts: number;
  /** A lapse was seen since the last completion or reset. */
  readonly suspect: boolean;
  /** This grant's start was marked. */
  readonly started: boolean;
  readonly leaseUntilMs: number;
}

/** A key that was released and may be claimed at once, except by the token that released it. */
export interface FailedRecord extends RecordBase {
  readonly state: "failed";
  readonly grant: number;
  readonly attempts: number;
  readonly suspect: boolean;
}

/** A key whose work is done. */
export interface CompletedRecord extends RecordBase {
  readonly state: "completed";
  readonly completedAtMs: number;
  /** What its completion was answered the first time; every copy of it is answered the same. */
  readonly answer: Exclude<CompleteReply, StoreFailure>;
  readonly fingerprint?: string;
  readonly result?: Uint8Array;
}

/** What a store keeps per key. All instants are readings of the store's clock, in milliseconds. */
export type StoredRecord = ClaimedRecord | FailedRecord | CompletedRecord;

/** The record as it counts now: an expired one is absent. */
export function presentRecord(
  record: StoredRecord | undefined,
  nowMs: number,
): StoredRecord | undefined {
  return record !== undefined && record.expiresAtMs > nowMs ? record : undefined;
}

/** Whether somebody's lease on this key is running. */
export function isLive(record: StoredRecord, nowMs: number): boolean {
  return record.state === "claimed" && record.leaseUntilMs > nowMs;
}

/** Whether the call comes from the owner of this very grant, lapsed or not. Without a grant the token decides. */
export function isHeldBy(
  record: StoredRecord | undefined,
  call: { readonly token: string; readonly grant?: number | undefined },
): record is ClaimedRecord {
  return (
    record?.state === "claimed" &&
    record.token === call.token &&
    (call.grant === undefined || call.grant === record.grant)
  );
}

/** Only completed records conflict: while a key is claimed it is busy, and after a failure the corrected message may run. */
export function isConflict(record: StoredRecord, request: ClaimRequest): boolean {
  return (
    record.state === "completed" &&
    record.fingerprint !== undefined &&
    request.fingerprint !== undefined &&
    record.fingerprint !== request.fingerprint
  );
}

/** The origin as replies show it. */
export function originAt(record: StoredRecord, nowMs: number): Origin {
  return { ...record.origin, ageMs: Math.max(0, nowMs - record.firstSeenAtMs) };
}

/** Names this state of a record: `forget` deletes only what was inspected. */
export function revisionOf(record: StoredRecord): string {
  const grant = record.state === "completed" ? 0 : record.grant;
  return `${record.state}.${grant}.${record.token}`;
}

export function newClaim(request: ClaimRequest, grant: number, nowMs: number): ClaimedRecord {
  return {
    state: "claimed",
    token: request.token,
    origin: storedOrigin(request.origin),
    firstSeenAtMs: nowMs,
    expiresAtMs: nowMs + request.windowMs,
    grant,
    attempts: 0,
    suspect: false,
    started: false,
    leaseUntilMs: nowMs + request.leaseMs,
  };
}

/** The same grant with its lease and its expiry restarted. */
export function extendedClaim(
  record: ClaimedRecord,
  request: ClaimRequest,
  nowMs: number,
): ClaimedRecord {
  return {
    ...record,
    leaseUntilMs: nowMs + request.leaseMs,
    expiresAtMs: nowMs + request.windowMs,
  };
}

/** The next grant of a key: a takeover if the former owner never released it. */
export function nextClaim(
  former: ClaimedRecord | FailedRecord,
  request: ClaimRequest,
  nowMs: number,
): ClaimedRecord {
  return {
    ...newClaim(request, former.grant + 1, nowMs),
    firstSeenAtMs: former.firstSeenAtMs,
    attempts: former.attempts,
    suspect: former.state === "claimed" || former.suspect,
  };
}

export function completedRecord(
  former: StoredRecord | undefined,
  completion: ClaimRequest & { readonly result?: Uint8Array },
  answer: CompletedRecord["answer"],
  nowMs: number,
): CompletedRecord {
  return {
    state: "completed",
    token: completion.token,
    origin: storedOrigin(completion.origin),
    firstSeenAtMs: former?.firstSeenAtMs ?? nowMs,
    expiresAtMs: nowMs + completion.windowMs,
    completedAtMs: nowMs,
    answer,
    ...(completion.fingerprint !== undefined && { fingerprint: completion.fingerprint }),
    ...(completion.result !== undefined && { result: completion.result }),
  };
}

function storedOrigin({ traceparent, coordinates }: Origin): Origin {
  return {
    ...(traceparent !== undefined && { traceparent }),
    ...(coordinates !== undefined && { coordinates }),
  };
}
