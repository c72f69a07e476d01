import { LONGEST_TIMER_MS } from "@onlyonce/core/internal";

const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 30_000;
/** Share of a delay that is left to chance, so that consumers which failed together do not come back together. */
const JITTER = 0.2;

/** 1 s · 2ⁿ up to 30 s, of which up to a fifth is taken off. `attempt` counts from 1; `random` is in [0, 1). */
export function backOffMs(attempt: number, random: number): number {
  const doublings = Math.min(Math.max(attempt - 1, 0), 10);
  return lessJitter(Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** doublings), random);
}

/** For what time alone will hardly mend. `random` is in [0, 1). */
export function longestBackOffMs(random: number): number {
  return lessJitter(LONGEST_BACK_OFF_MS, random);
}

/** Before a busy key is tried again: at least 1 s and at least `retryAfterMs`, to which up to a fifth is added. */
export function busyDelayMs(retryAfterMs: number | undefined, random: number): number {
  return Math.round(Math.max(FIRST_BACK_OFF_MS, retryAfterMs ?? 0) * (1 + JITTER * random));
}

/** Whether what a caller's function returned is a delay. */
export function isDelayMs(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= LONGEST_TIMER_MS;
}

/** Cuts a delay to what is left of the time that a message may stay unacked, but never below 1 s because of that. */
export function boundedDelayMs(delayMs: number, holdLeftMs: number): number {
  return Math.min(delayMs, Math.max(holdLeftMs, FIRST_BACK_OFF_MS), LONGEST_TIMER_MS);
}

function lessJitter(delayMs: number, random: number): number {
  return Math.round(delayMs * (1 - JITTER * random));
}
