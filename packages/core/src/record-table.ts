import type { ClaimedRecord, CompletedRecord, FailedRecord, StoredRecord } from "./record.js";
import {
  completedRecord,
  extendedClaim,
  isConflict,
  isHeldBy,
  isLive,
  newClaim,
  nextClaim,
  originAt,
  presentRecord,
} from "./record.js";
import type {
  ClaimReply,
  ClaimRequest,
  CompleteReply,
  Completion,
  Held,
  Release,
  ReleaseReply,
  RememberReply,
  RenewReply,
  StartReply,
  StoreFailure,
} from "./store.js";

/** What a call answers, and the record it leaves: the same object where nothing changed, undefined where there is none. */
export interface Decision<Reply> {
  readonly reply: Exclude<Reply, StoreFailure>;
  readonly record: StoredRecord | undefined;
}

type Stored = StoredRecord | undefined;

/** Asks for the right to run the handler. */
export function claim(stored: Stored, request: ClaimRequest, nowMs: number): Decision<ClaimReply> {
  const record = presentRecord(stored, nowMs);
  if (record === undefined) return acquired(newClaim(request, 1, nowMs));
  switch (record.state) {
    case "completed": {
      const origin = originAt(record, nowMs);
      if (isConflict(record, request)) return { reply: { status: "conflict", origin }, record };
      const result = record.result === undefined ? {} : { result: record.result };
      return { reply: { status: "duplicate", origin, ...result }, record };
    }
    case "failed":
      if (record.token === request.token) return { reply: { status: "stale" }, record };
      return reclaimed(record, request, nowMs);
    case "claimed":
      if (record.token === request.token) return acquired(extendedClaim(record, request, nowMs));
      if (!isLive(record, nowMs)) return reclaimed(record, request, nowMs);
      return {
        reply: {
          status: "busy",
          leaseLeftMs: record.leaseUntilMs - nowMs,
          origin: originAt(record, nowMs),
        },
        record,
      };
  }
}

/** Claims and completes in one step; a live claim by somebody else counts as done. */
export function remember(
  stored: Stored,
  request: ClaimRequest,
  nowMs: number,
): Decision<RememberReply> {
  const record = presentRecord(stored, nowMs);
  if (record !== undefined && record.token !== request.token) {
    const origin = originAt(record, nowMs);
    if (isConflict(record, request)) return { reply: { status: "conflict", origin }, record };
    if (record.state === "completed" || isLive(record, nowMs)) {
      return { reply: { status: "duplicate", origin }, record };
    }
  }
  if (record?.state === "completed") return { reply: { status: "new" }, record };
  return { reply: { status: "new" }, record: completedRecord(record, request, "ok", nowMs) };
}

/** Marks the start of a handler, once per grant, and restarts the lease. */
export function start(stored: Stored, held: Held, nowMs: number): Decision<StartReply> {
  const record = presentRecord(stored, nowMs);
  if (!isHeldBy(record, held)) return { reply: "lost", record };
  const attempts = record.attempts + (record.started ? 0 : 1);
  const marked = { ...extendedClaim(record, held, nowMs), attempts, started: true };
  return { reply: "ok", record: marked };
}

/** Restarts the lease, lapsed or not, as long as nobody else took the key; restores a record that was lost. */
export function renew(stored: Stored, held: Held, nowMs: number): Decision<RenewReply> {
  const record = presentRecord(stored, nowMs);
  if (record === undefined) return { reply: "restored", record: newClaim(held, held.grant, nowMs) };
  if (!isHeldBy(record, held)) return { reply: "lost", record };
  return { reply: "ok", record: extendedClaim(record, held, nowMs) };
}

/** Records that the work is done, whoever holds the key by now; never overwrites a completed record. */
export function complete(
  stored: Stored,
  completion: Completion,
  nowMs: number,
): Decision<CompleteReply> {
  const record = presentRecord(stored, nowMs);
  if (record?.state === "completed") {
    return { reply: record.token === completion.token ? record.answer : "stolen", record };
  }
  const answer = completionAnswer(record, completion, nowMs);
  return { reply: answer, record: completedRecord(record, completion, answer, nowMs) };
}

/** Gives a claim back. The record stays, with its last token: a late copy of that claim must not be granted. */
export function release(stored: Stored, released: Release, nowMs: number): Decision<ReleaseReply> {
  const record = presentRecord(stored, nowMs);
  if (record?.state === "failed" && record.token === released.token) return { reply: "ok", record };
  if (!isHeldBy(record, released)) return { reply: "lost", record };
  const failed: FailedRecord = {
    state: "failed",
    token: record.token,
    origin: record.origin,
    firstSeenAtMs: record.firstSeenAtMs,
    expiresAtMs: nowMs + released.windowMs,
    grant: record.grant,
    attempts: attemptsAfter(record, released.as),
    suspect: record.suspect && released.as !== "reset",
  };
  return { reply: "ok", record: failed };
}

/** The numbers of a grant. A resend after this grant's own start mark answers the same attempt as the first time. */
function grantOf(record: ClaimedRecord): { grant: number; attempt: number; suspect: boolean } {
  const before = record.attempts - (record.started ? 1 : 0);
  return { grant: record.grant, attempt: before + 1, suspect: record.suspect };
}

function acquired(record: ClaimedRecord): Decision<ClaimReply> {
  return { reply: { status: "acquired", ...grantOf(record) }, record };
}

function reclaimed(
  former: ClaimedRecord | FailedRecord,
  request: ClaimRequest,
  nowMs: number,
): Decision<ClaimReply> {
  const record = nextClaim(former, request, nowMs);
  const takeover = former.state === "claimed";
  const previous = originAt(former, nowMs);
  return { reply: { status: "reclaimed", takeover, previous, ...grantOf(record) }, record };
}

function completionAnswer(
  record: ClaimedRecord | FailedRecord | undefined,
  completion: Completion,
  nowMs: number,
): CompletedRecord["answer"] {
  if (record === undefined) return "vanished";
  if (record.token !== completion.token) return "stolen";
  if (record.state === "failed") return "late";
  if (!isHeldBy(record, completion)) return "stolen";
  return isLive(record, nowMs) ? "ok" : "late";
}

function attemptsAfter(record: ClaimedRecord, as: Release["as"]): number {
  switch (as) {
    case "failed":
      return record.attempts + (record.started ? 0 : 1);
    case "unstarted":
      return record.attempts - (record.started ? 1 : 0);
    case "reset":
      return 0;
  }
}
