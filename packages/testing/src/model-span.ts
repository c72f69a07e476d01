/**
 * An instant as well as the test knows it: exactly under a manual clock; under a real one somewhere between the sending
 * of a call and its answer. In milliseconds of the test's clock.
 */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export function later(span: Span, ms: number): Span {
  return { fromMs: span.fromMs + ms, toMs: span.toMs + ms };
}

/** Whether an instant has come by `now`; undefined where it is too close to tell. */
export function hasCome(instant: Span, now: Span): boolean | undefined {
  if (instant.toMs <= now.fromMs) return true;
  if (instant.fromMs > now.toMs) return false;
  return undefined;
}

/** How long it is from one instant to another. */
export function between(earlier: Span, later: Span): Span {
  return { fromMs: later.fromMs - earlier.toMs, toMs: later.toMs - earlier.fromMs };
}

export function overlap(one: Span, other: Span): boolean {
  return one.fromMs <= other.toMs && other.fromMs <= one.toMs;
}
