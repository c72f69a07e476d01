import type { Decision, Kept, ModelRecord, Moment, Request } from "./model-record.js";
import { ANYTHING, Within } from "./model-reply.js";
import { between, later } from "./model-span.js";

/** A call and what it meets. */
export interface Meeting {
  /** Blank where nothing that can be read stands there. */
  readonly record: ModelRecord;
  readonly kept: Kept;
  readonly request: Request;
  readonly now: Moment;
}

/** What a cell of the record table does. */
export type Cell = (meeting: Meeting) => Decision;

export const claimed: Cell = (meeting) => granted("acquired", claimBy(meeting, {}));
export const resent: Cell = ({ record, request, now }) =>
  granted("acquired", restarted(record, request, now));
export const takenOver: Cell = (meeting) =>
  granted("reclaimed", claimBy(meeting, { isSuspect: true }), {
    takeover: true,
    previous: originOf(meeting),
  });
export const retried: Cell = (meeting) =>
  granted("reclaimed", claimBy(meeting, {}), { takeover: false, previous: originOf(meeting) });
export const restored: Cell = (meeting) => ({
  reply: "restored",
  kept: claimBy(meeting, { grant: meeting.request.grant ?? 0 }),
});
export const busy: Cell = (meeting) => {
  const leaseLeftMs = new Within(between(meeting.now, meeting.record.leaseEnd));
  return unchanged(meeting, { status: "busy", leaseLeftMs, origin: originOf(meeting) });
};
export const stale: Cell = (meeting) => unchanged(meeting, { status: "stale" });
export const conflict: Cell = (meeting) =>
  unchanged(meeting, { status: "conflict", origin: originOf(meeting) });
export const duplicate: Cell = (meeting) =>
  unchanged(meeting, {
    status: "duplicate",
    origin: originOf(meeting),
    result: meeting.record.result,
  });
export const remembered: Cell = (meeting) => ({
  reply: { status: "new" },
  kept: completionBy(meeting, "ok"),
});
export const alreadyNew: Cell = (meeting) => unchanged(meeting, { status: "new" });
export const knownAlready: Cell = (meeting) =>
  unchanged(meeting, { status: "duplicate", origin: originOf(meeting) });
export const newerDuplicate: Cell = (meeting) =>
  unchanged(meeting, { status: "duplicate", origin: ANYTHING, result: ANYTHING });
export const unreadable: Cell = (meeting) =>
  unchanged(meeting, { status: "error", error: ANYTHING, unreadable: true });
export const renewed: Cell = ({ record, request, now }) => ({
  reply: "ok",
  kept: restarted(record, request, now),
});
export const started: Cell = ({ record, request, now }) => {
  const attempts = record.isStarted ? record.attempts : record.attempts + 1;
  return { reply: "ok", kept: { ...restarted(record, request, now), attempts, isStarted: true } };
};
export const released: Cell = ({ record, request, now }) => {
  const mark = record.isStarted ? 1 : 0;
  const attempts = {
    failed: record.attempts - mark + 1,
    unstarted: record.attempts - mark,
    reset: 0,
  };
  return {
    reply: "ok",
    kept: {
      ...record,
      state: "failed",
      attempts: attempts[request.as ?? "unstarted"],
      isSuspect: request.as === "reset" ? false : record.isSuspect,
      isStarted: false,
      expiry: later(now, request.windowMs),
      writtenAt: now.turn,
    },
  };
};
export const releasedAlready: Cell = (meeting) => unchanged(meeting, "ok");
export const lost: Cell = (meeting) => unchanged(meeting, "lost");
export const answeredAsFirst: Cell = (meeting) => unchanged(meeting, meeting.record.answer);
export const stolenFrom: Cell = (meeting) => unchanged(meeting, "stolen");
export const completedAs =
  (answer: string): Cell =>
  (meeting) => ({ reply: answer, kept: completionBy(meeting, answer) });

/** What `inspect` and replies tell of the origin; a record that keeps nothing else may leave its age out too. */
export function originOf({ record, now }: Pick<Meeting, "record" | "now">): unknown {
  const { coordinates, traceparent } = record.origin;
  const isBare =
    record.state === "completed" &&
    [coordinates, traceparent, record.fingerprint, record.result].every(
      (kept) => kept === undefined,
    );
  return { coordinates, traceparent, ageMs: new Within(between(record.firstSeen, now), isBare) };
}

/** A record of nothing, first seen now. */
export function blankRecord(now: Moment): ModelRecord {
  return {
    state: "failed",
    token: "",
    grant: 0,
    attempts: 0,
    isSuspect: false,
    isStarted: false,
    leaseEnd: now,
    firstSeen: now,
    expiry: now,
    origin: {},
    fingerprint: undefined,
    result: undefined,
    answer: "",
    writtenAt: now.turn,
  };
}

function unchanged({ kept }: Meeting, reply: unknown): Decision {
  return { reply, kept };
}

function granted(status: string, record: ModelRecord, more: object = {}): Decision {
  const attempt = record.attempts - (record.isStarted ? 1 : 0) + 1;
  const { grant, isSuspect } = record;
  return { reply: { status, grant, attempt, suspect: isSuspect, ...more }, kept: record };
}

function claimBy({ record, request, now }: Meeting, changes: Partial<ModelRecord>): ModelRecord {
  const { token, origin } = request;
  const grant = record.grant + 1;
  const next = { ...record, state: "claimed", token, origin, grant, isStarted: false } as const;
  return restarted({ ...next, ...changes }, request, now);
}

function restarted(record: ModelRecord, request: Request, now: Moment): ModelRecord {
  const leaseEnd = later(now, request.leaseMs);
  return { ...record, leaseEnd, expiry: later(now, request.windowMs), writtenAt: now.turn };
}

function completionBy({ record, request, now }: Meeting, answer: string): ModelRecord {
  return {
    ...record,
    state: "completed",
    token: request.token,
    origin: request.origin,
    fingerprint: request.fingerprint,
    result: request.result,
    answer,
    expiry: later(now, request.windowMs),
    writtenAt: now.turn,
  };
}
