import type { AbortReason } from "./run-context.js";
import type { ClaimReply } from "./store.js";

/** How a run of the handler ended. */
export interface RunEnd {
  readonly ended: "resolved" | "rejected";
  /** The handler said that retrying cannot help. */
  readonly permanent: boolean;
  readonly abortedBy: AbortReason | undefined;
  /** The handler read its signal, so it may have stopped because of it although it resolved. */
  readonly mayHaveStopped: boolean;
  readonly skipped: boolean;
  readonly attempt: number;
  readonly maxAttempts: number;
}

export type NextStep =
  /** Finished: record completion, then settle. */
  | "complete"
  /** Nothing was done: release, then settle. */
  | "skip"
  /** Unfinished, and somebody else may have the claim: claim the same delivery again. */
  | "claim_again"
  /** Release as failed, and let it come again. */
  | "fail"
  /** Dead-letter, release as reset, then settle. */
  | "poison";

/** What follows a run. Resolved means finished, unless the handler may have stopped because it was told to. */
export function afterRun(end: RunEnd): NextStep {
  const finished = end.ended === "resolved" && !(end.abortedBy !== undefined && end.mayHaveStopped);
  if (finished) return end.skipped ? "skip" : "complete";
  if (end.abortedBy === "lease_lost") return "claim_again";
  return end.permanent || end.attempt >= end.maxAttempts ? "poison" : "fail";
}

/** Whether a granted claim must not run: it failed, or killed its process, as often as it may. */
export function isExhausted(attempt: number, maxAttempts: number): boolean {
  return attempt > maxAttempts;
}

export type AfterClaim = "run" | "refuse" | "wait" | "draw_new_token" | "store_down";

/** What follows a claim's answer. */
export function afterClaim(status: ClaimReply["status"]): AfterClaim {
  switch (status) {
    case "acquired":
    case "reclaimed":
      return "run";
    case "duplicate":
    case "conflict":
      return "refuse";
    case "busy":
      return "wait";
    case "stale":
      return "draw_new_token";
    case "error":
      return "store_down";
  }
}

const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 250;

/** How long to wait before a busy key is claimed again: soon at first, never past the end of the lease. */
export function busyPollMs(round: number, leaseLeftMs: number): number {
  const growing = Math.min(LONGEST_POLL_MS, FIRST_POLL_MS * 2 ** Math.min(round, 10));
  return Math.max(1, Math.min(growing, leaseLeftMs + 1));
}

const FIRST_STORE_RETRY_MS = 50;
const LONGEST_STORE_RETRY_MS = 1_000;

/** How long to wait before a call that the store did not answer is sent again. */
export function storeRetryMs(round: number): number {
  return Math.min(LONGEST_STORE_RETRY_MS, FIRST_STORE_RETRY_MS * 2 ** Math.min(round, 10));
}
