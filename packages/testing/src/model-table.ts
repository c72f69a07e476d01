import type { StoreVerb } from "./faulty-store.js";
import * as cell from "./model-cells.js";
import type { Kept, Request } from "./model-record.js";

/** What a call meets: a row of the record table. */
export type Row =
  | Extract<Kept, string>
  | "my live claim"
  | "my lapsed claim"
  | "my claim under another grant"
  | "another's live claim"
  | "another's lapsed claim"
  | "failed by me"
  | "failed by another"
  | "completed by me"
  | "completed by another"
  | "completed with another fingerprint";

type Column = Readonly<Partial<Record<Row, cell.Cell>>>;

const notTheOwner: Column = {
  absent: cell.lost,
  malformed: cell.lost,
  "my claim under another grant": cell.lost,
  "another's live claim": cell.lost,
  "another's lapsed claim": cell.lost,
  "failed by me": cell.lost,
  "failed by another": cell.lost,
  "completed by me": cell.lost,
  "completed by another": cell.lost,
  "newer claimed": cell.unreadable,
  "newer failed": cell.unreadable,
  "newer completed": cell.unreadable,
};

/** The record table, column by column, as `docs/store-protocol.md` has it: the same rules as core's, written a second time. */
export const TABLE: Readonly<Record<StoreVerb, Column>> = {
  claim: {
    absent: cell.claimed,
    malformed: cell.claimed,
    "my live claim": cell.resent,
    "my lapsed claim": cell.resent,
    "another's live claim": cell.busy,
    "another's lapsed claim": cell.takenOver,
    "failed by me": cell.stale,
    "failed by another": cell.retried,
    "completed by me": cell.duplicate,
    "completed by another": cell.duplicate,
    "completed with another fingerprint": cell.conflict,
    "newer claimed": cell.unreadable,
    "newer failed": cell.unreadable,
    "newer completed": cell.newerDuplicate,
  },
  remember: {
    absent: cell.remembered,
    malformed: cell.remembered,
    "my live claim": cell.remembered,
    "my lapsed claim": cell.remembered,
    "another's live claim": cell.knownAlready,
    "another's lapsed claim": cell.remembered,
    "failed by me": cell.remembered,
    "failed by another": cell.remembered,
    "completed by me": cell.alreadyNew,
    "completed by another": cell.knownAlready,
    "completed with another fingerprint": cell.conflict,
    "newer claimed": cell.unreadable,
    "newer failed": cell.unreadable,
    "newer completed": cell.newerDuplicate,
  },
  start: { ...notTheOwner, "my live claim": cell.started, "my lapsed claim": cell.started },
  renew: {
    ...notTheOwner,
    absent: cell.restored,
    malformed: cell.restored,
    "my live claim": cell.renewed,
    "my lapsed claim": cell.renewed,
  },
  complete: {
    ...notTheOwner,
    absent: cell.completedAs("vanished"),
    malformed: cell.completedAs("vanished"),
    "my live claim": cell.completedAs("ok"),
    "my lapsed claim": cell.completedAs("late"),
    "my claim under another grant": cell.completedAs("stolen"),
    "another's live claim": cell.completedAs("stolen"),
    "another's lapsed claim": cell.completedAs("stolen"),
    "failed by me": cell.completedAs("late"),
    "failed by another": cell.completedAs("stolen"),
    "completed by me": cell.answeredAsFirst,
    "completed by another": cell.stolenFrom,
  },
  release: {
    ...notTheOwner,
    "my live claim": cell.released,
    "my lapsed claim": cell.released,
    "failed by me": cell.releasedAlready,
  },
};

export function rowOf(kept: Kept, verb: StoreVerb, request: Request, isLive: boolean): Row {
  if (typeof kept === "string") return kept;
  const isMine = kept.token === request.token;
  switch (kept.state) {
    case "claimed":
      if (!isMine) return isLive ? "another's live claim" : "another's lapsed claim";
      if (request.grant !== undefined && request.grant !== kept.grant) {
        return "my claim under another grant";
      }
      return isLive ? "my live claim" : "my lapsed claim";
    case "failed":
      return isMine ? "failed by me" : "failed by another";
    case "completed": {
      const compares = verb === "claim" || (verb === "remember" && !isMine);
      const differs =
        kept.fingerprint !== undefined &&
        request.fingerprint !== undefined &&
        kept.fingerprint !== request.fingerprint;
      if (compares && differs) return "completed with another fingerprint";
      return isMine ? "completed by me" : "completed by another";
    }
  }
}
