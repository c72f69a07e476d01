/** The longest back-off of the adapter's own, in milliseconds. */
export const LONGEST_BACK_OFF_MS = 30_000;

const FIRST_BACK_OFF_MS = 1_000;
/** Share of a delay that is left to chance, so that consumers which failed together do not come back together. */
const JITTER = 0.2;

/** 1 s · 2ⁿ up to 30 s, of which up to a fifth is taken off. `attempt` counts from 1; `random` is in [0, 1). */
export function backOffMs(attempt: number, random: number): number {
  const doublings = Math.min(Math.max(attempt - 1, 0), 10);
  return spread(Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** doublings), random);
}

/** For what time alone will hardly mend. `random` is in [0, 1). */
export function longestBackOffMs(random: number): number {
  return spread(LONGEST_BACK_OFF_MS, random);
}

function spread(delayMs: number, random: number): number {
  return Math.round(delayMs * (1 - JITTER * random));
}
