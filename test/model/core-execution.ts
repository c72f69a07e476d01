import type { CompleteReply, Held } from "@onlyonce/core";
// @boundaries-ignore the table as core has it, which core does not export
import { isLive, type StoredRecord } from "../../packages/core/src/record.js";
// @boundaries-ignore the same
import * as table from "../../packages/core/src/record-table.js";
import { symbolIn } from "./model-symbols.js";

/** A record as the model prints it: state, token, grant, attempts, suspect, started, live, answer. */
export type PrintedRecord = readonly number[];

export interface Execution {
  readonly reply: number;
  /** Where the reply grants: the numbers that it tells. */
  readonly granted?: {
    readonly grant: number;
    readonly attempt: number;
    readonly suspect: boolean;
  };
  readonly after: PrintedRecord;
}

type Symbols = ReadonlyMap<string, number>;
type Answer = Exclude<CompleteReply, { status: "error" }>;

const NOW_MS = 1_000_000;
const LEASE_MS = 1_000;
const WINDOW_MS = 100_000;
/** The names of core's replies in the model. */
const OWNER_REPLIES = { ok: "OK", lost: "LOST", restored: "RESTORED" } as const;
const ANSWERS = {
  ok: "DONE_OK",
  late: "DONE_LATE",
  vanished: "VANISHED",
  stolen: "STOLEN",
} as const satisfies Record<Answer, string>;

/** Executes one call of the model's on core's record table; grant 0: by token alone. */
export function executeOnCore(
  symbols: Symbols,
  call: string,
  token: number,
  grant: number,
  before: PrintedRecord,
): Execution {
  const stored = toCore(symbols, before);
  const request = {
    key: "k",
    token: String(token),
    leaseMs: LEASE_MS,
    windowMs: WINDOW_MS,
    origin: {},
  };
  const held: Held = { ...request, grant };
  const finish = (name: string, record: StoredRecord | undefined): Execution => ({
    reply: symbolIn(symbols, name),
    after: toModel(symbols, record),
  });
  switch (call) {
    case "CLAIM": {
      const { reply, record } = table.claim(stored, request, NOW_MS);
      switch (reply.status) {
        case "acquired":
          return { ...finish("ACQUIRED", record), granted: reply };
        case "reclaimed":
          return { ...finish(reply.takeover ? "TAKEN_OVER" : "RECLAIMED", record), granted: reply };
        case "duplicate":
          return finish("DUPLICATE", record);
        case "busy":
          return finish("BUSY", record);
        case "stale":
          return finish("STALE", record);
        case "conflict":
          throw new Error("a claim without a fingerprint can't conflict");
      }
      break;
    }
    case "START": {
      const { reply, record } = table.start(stored, held, NOW_MS);
      return finish(OWNER_REPLIES[reply], record);
    }
    case "RENEW": {
      const { reply, record } = table.renew(stored, held, NOW_MS);
      return finish(OWNER_REPLIES[reply], record);
    }
    case "COMPLETE": {
      const completion = grant === 0 ? request : held;
      const { reply, record } = table.complete(stored, completion, NOW_MS);
      return finish(ANSWERS[reply], record);
    }
    case "RELEASE_FAILED":
    case "RELEASE_UNSTARTED":
    case "RELEASE_RESET": {
      const as = RELEASES[call];
      const released = grant === 0 ? { ...request, as: "unstarted" as const } : { ...held, as };
      const { reply, record } = table.release(stored, released, NOW_MS);
      return finish(OWNER_REPLIES[reply], record);
    }
  }
  throw new Error(`core knows no call ${call}`);
}

const RELEASES = {
  RELEASE_FAILED: "failed",
  RELEASE_UNSTARTED: "unstarted",
  RELEASE_RESET: "reset",
} as const;

function toCore(symbols: Symbols, printed: PrintedRecord): StoredRecord | undefined {
  const [state = -1, token, grant = 0, attempts = 0, suspect, started, live, answer] = printed;
  const base = {
    token: String(token),
    origin: {},
    firstSeenAtMs: NOW_MS - 1,
    expiresAtMs: NOW_MS + WINDOW_MS,
  };
  const counted = { grant, attempts, suspect: suspect === 1 };
  switch (state) {
    case symbolIn(symbols, "ABSENT"):
      return undefined;
    case symbolIn(symbols, "CLAIMED"): {
      const leaseUntilMs = live === 1 ? NOW_MS + 1 : NOW_MS;
      return { ...base, ...counted, state: "claimed", started: started === 1, leaseUntilMs };
    }
    case symbolIn(symbols, "FAILED"):
      return { ...base, ...counted, state: "failed" };
    case symbolIn(symbols, "COMPLETED"):
      return {
        ...base,
        state: "completed",
        completedAtMs: NOW_MS,
        answer: answerOf(symbols, answer),
      };
    default:
      throw new Error(`core knows no state ${state}`);
  }
}

function toModel(symbols: Symbols, record: StoredRecord | undefined): PrintedRecord {
  if (record === undefined) return [symbolIn(symbols, "ABSENT"), 0, 0, 0, 0, 0, 0, 0];
  const token = Number(record.token);
  if (record.state === "completed") {
    const answer = symbolIn(symbols, ANSWERS[record.answer]);
    return [symbolIn(symbols, "COMPLETED"), token, 0, 0, 0, 0, 0, answer];
  }
  const { grant, attempts } = record;
  const suspect = record.suspect ? 1 : 0;
  const live = isLive(record, NOW_MS) ? 1 : 0;
  return record.state === "claimed"
    ? [
        symbolIn(symbols, "CLAIMED"),
        token,
        grant,
        attempts,
        suspect,
        record.started ? 1 : 0,
        live,
        0,
      ]
    : [symbolIn(symbols, "FAILED"), token, grant, attempts, suspect, 0, live, 0];
}

function answerOf(symbols: Symbols, printed: number | undefined): Answer {
  for (const answer of ["ok", "late", "vanished", "stolen"] as const) {
    if (symbolIn(symbols, ANSWERS[answer]) === printed) return answer;
  }
  throw new Error(`core knows no answer ${printed}`);
}
