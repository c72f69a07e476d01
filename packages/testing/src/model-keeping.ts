import type { Decision, ModelRecord, Moment, Request } from "./model-record.js";
import { LONGEST_WINDOW_MS, type StoreFeatures } from "./store-harness.js";

/** In place of the token of a completed record of which it is no longer known whose it is. */
export const FORGOTTEN = "";

/** What a store makes of the completed records of the model. */
export interface Keeping {
  readonly isBare: boolean;
  keep(decision: Decision, now: Moment): Decision;
}

export function keepingOf({ completed = "full", lateness = 0 }: StoreFeatures): Keeping {
  const isBare = completed === "bare";
  const lateMs = lateness * LONGEST_WINDOW_MS;
  const keep = (record: ModelRecord): ModelRecord => ({
    ...record,
    ...(isBare && { origin: {} }),
    expiry: { fromMs: record.expiry.fromMs, toMs: record.expiry.toMs + lateMs },
  });
  return {
    isBare,
    keep(decision, now) {
      const { kept } = decision;
      const isCompletion =
        typeof kept !== "string" && kept.state === "completed" && kept.writtenAt === now.turn;
      return isCompletion ? { ...decision, kept: keep(kept) } : decision;
    },
  };
}

/** What reaches a store that would refuse more. */
export function bareRequest({ fingerprint: _, result: __, ...request }: Request): Request {
  return request;
}
