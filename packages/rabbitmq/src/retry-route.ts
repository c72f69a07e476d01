import {
  LONGEST_TIMER_MS,
  quote,
  refuseUnknown,
  requireInteger,
  requireObject,
} from "@onlyonce/core/internal";

/**
 * Where a message rests outside of its queue until it comes back: an exchange that routes by the delay in milliseconds
 * (such as `"5000"`) to a queue whose messages expire after it and are dead-lettered to the queue they came from.
 * `setupRetryTopology` declares that and answers this; written by hand it names a topology of your own.
 */
export interface RetryRoute {
  /** A durable direct exchange. */
  readonly exchange: string;
  /** The delays that it has a route for, in milliseconds (1 to 2,147,483,647). */
  readonly delaysMs: readonly number[];
  /** It also routes `"dead"`, to a queue for poison messages. */
  readonly deadLetter?: true;
}

/**
 * The queue's own dead-letter exchange leads to a queue whose messages expire and are dead-lettered back to it, so that a
 * rejected message comes back by itself. **Without such an exchange the broker deletes what is rejected**, and nobody
 * can ask it whether there is one.
 */
export interface RetryByReject {
  readonly deadLetterExchange: true;
}

export const DEAD_ROUTE = "dead";

const PROPERTIES = [
  "exchange",
  "delaysMs",
  "deadLetter",
] as const satisfies readonly (keyof RetryRoute)[];

/** Throws a TypeError that names what is wrong. */
export function isRetryByReject(name: string, retry: unknown): retry is RetryByReject {
  requireObject(name, retry);
  if (!Object.hasOwn(retry, "deadLetterExchange")) return false;
  refuseUnknown(name, retry, ["deadLetterExchange"]);
  if (retry.deadLetterExchange === true) return true;
  throw new TypeError(
    `${name}.deadLetterExchange must be true, got ${quote(retry.deadLetterExchange)}`,
  );
}

/** Throws a TypeError or RangeError that names what is wrong. Sorts the delays. */
export function checkRetryRoute(name: string, route: unknown): RetryRoute {
  requireObject(name, route);
  refuseUnknown(name, route, PROPERTIES);
  const { exchange, deadLetter } = route;
  if (typeof exchange !== "string" || exchange === "") {
    throw new TypeError(`${name}.exchange must be a non-empty string, got ${quote(exchange)}`);
  }
  if (deadLetter !== undefined && deadLetter !== true) {
    throw new TypeError(`${name}.deadLetter must be true or absent, got ${quote(deadLetter)}`);
  }
  const delaysMs = checkDelays(`${name}.delaysMs`, route.delaysMs);
  return { exchange, delaysMs, ...(deadLetter === undefined ? {} : { deadLetter }) };
}

/** Answers them in ascending order, each once. */
export function checkDelays(name: string, delaysMs: unknown): readonly number[] {
  if (!Array.isArray(delaysMs) || delaysMs.length === 0) {
    throw new TypeError(`${name} must be an array of at least one delay, got ${quote(delaysMs)}`);
  }
  const checked = delaysMs.map((delayMs: unknown, i) =>
    requireInteger(`${name}[${i}]`, delayMs, 1, LONGEST_TIMER_MS),
  );
  return [...new Set(checked)].sort((a, b) => a - b);
}

/** The shortest delay that is long enough, or else the longest. */
export function delayRoute({ delaysMs }: RetryRoute, wantedMs: number): string {
  return String(delaysMs.find((delayMs) => delayMs >= wantedMs) ?? delaysMs.at(-1));
}
