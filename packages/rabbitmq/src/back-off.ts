import { LONGEST_TIMER_MS } from "@onlyonce/core/internal";

const FIRST_MS = 1_000;

/** The longest back-off, in milliseconds: for messages that retrying does not help. */
export const LONGEST_MS = 30_000;

/**
 * The default delay before a failed message is tried again: 1 s after the first attempt, doubled each time, at most
 * 30 s; less up to a fifth, so that consumers that failed together do not come back together.
 *
 * @param random A number in [0, 1).
 */
export function backOffMs(attempt: number, random: number): number {
  const ceilingMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, attempt - 1));
  return ceilingMs * (1 - random / 5);
}

/** The delay before a busy key is tried again: at least 1 s and at least `retryAfterMs`, plus up to a fifth. */
export function busyDelayMs(retryAfterMs: number | undefined, random: number): number {
  return Math.max(FIRST_MS, retryAfterMs ?? 0) * (1 + random / 5);
}

/** Whether a delay that a caller's function returned can be used. */
export function isDelayMs(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= LONGEST_TIMER_MS;
}

/** A delay that fits into what is left of the time a message may stay unacked; never below 1 s because of that. */
export function boundedDelayMs(delayMs: number, holdLeftMs: number): number {
  return Math.min(delayMs, Math.max(holdLeftMs, FIRST_MS), LONGEST_TIMER_MS);
}
