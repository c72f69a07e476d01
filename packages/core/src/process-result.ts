import type { ProcessOptions, Replayed, Settled } from "./deduplicator.js";
import { OnlyOnceError } from "./errors.js";
import type { Verdict } from "./outcome.js";
import { closedError, storeError } from "./refusals.js";
import type { Codec } from "./replay.js";

/** What `process` resolves with; throws unless the message may be acked. */
export function settled<Result>(
  verdict: Verdict<Result>,
  options: ProcessOptions,
): Settled<Result> {
  requireAckable(verdict, options);
  const { outcome, detail, value } = verdict;
  switch (outcome) {
    case "processed":
    case "unprotected":
      return {
        outcome,
        value: value as Result,
        ...(detail === undefined ? undefined : { detail }),
      };
    case "claim_lost":
      return "value" in verdict ? { outcome, value: value as Result } : { outcome };
    case "duplicate":
    case "busy":
    case "conflict":
      // In shadow mode the handler ran for these.
      if (detail === "shadow") return { outcome: "unprotected", value: value as Result, detail };
      return { outcome: "duplicate", origin: verdict.origin ?? {} };
    case "failed":
    case "store_error":
    case undefined:
      throw new Error(`a delivery that ended as ${String(outcome)} cannot be acked`);
  }
}

/** The same with a codec: a duplicate gets the stored result. */
export function replayed<Result>(
  verdict: Verdict<Result>,
  codec: Codec<Result>,
  options: ProcessOptions,
): Replayed<Result> {
  const { outcome } = settled(verdict, options);
  const stored = verdict.result;
  return { outcome, value: stored === undefined ? verdict.value : codec.decode(stored) };
}

/** Throws unless the message may be acked. */
function requireAckable(verdict: Verdict, options: ProcessOptions): void {
  const { error, retryAfterMs } = verdict;
  if (verdict.outcome === "failed") throw error;
  if (verdict.settlement === "ack" && error === undefined) return;
  if (verdict.settlement === "ack" && verdict.detail === "unrecorded") return;
  const after = retryAfterMs === undefined ? undefined : { retryAfterMs };
  if (verdict.settlement === "return") {
    if (options.signal?.aborted !== true) throw closedError();
    const cause: unknown = options.signal.reason;
    throw new OnlyOnceError("ERR_ONLYONCE_ABORTED", "the caller's signal aborted the wait", {
      cause,
    });
  }
  if (verdict.outcome === "store_error") throw storeError(error);
  if (error !== undefined) throw error;
  throw new OnlyOnceError(
    "ERR_ONLYONCE_BUSY",
    "the key is claimed by somebody else right now",
    after,
  );
}
