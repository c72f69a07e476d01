import type { Verdict } from "@onlyonce/core/adapter";
import { boundedDelayMs, busyDelayMs, longestBackOffMs } from "./back-off.js";
import { isNearLimit } from "./delivery-count.js";

/** What to do with a delivery next. */
export type Action =
  /** Settle it now. */
  | { readonly kind: "ack" | "reject" }
  /** Settle nothing: the broker takes it back when the channel closes. */
  | { readonly kind: "leave" }
  /** Let it rest, unacked, for so long; then hand it back, or attend to it again without telling the broker. */
  | { readonly kind: "requeue" | "again"; readonly delayMs: number };

/** Where a delivery stands with its broker. */
export interface Circumstances {
  /** How often the broker had delivered the message before. */
  readonly deliveryCount: number;
  /** How many redeliveries the queue allows. */
  readonly deliveryLimit: number;
  /** A stream can't take a message back: a nack there moves past it. */
  readonly isStream: boolean;
  /** How often this delivery was attended to in place before. */
  readonly round: number;
  /** How much longer the message may stay unacked before the broker's ACK timeout comes near, in milliseconds. */
  readonly holdLeftMs: number;
  /** How often the message came back from where it rested: each time as a new one, in the broker's eyes. */
  readonly retries: number;
  /** A rejected message comes back by itself, after a while. */
  readonly comesBack: boolean;
  /** In [0, 1). */
  readonly random: number;
  /** The back-off after so many failed attempts, in milliseconds. */
  readonly retryDelayMs: (attempt: number) => number;
}

/**
 * The whole table: what core decided, in RabbitMQ's terms. Nothing that is not done is acked, nothing busy or failed is
 * handed back at once, and what handing back cannot mend or might lose is kept here for as long as the broker allows:
 *
 * | verdict | action |
 * |---|---|
 * | ack, reject, return | at once: ack, reject, leave |
 * | failed | the back-off, then requeue |
 * | busy | at least 1 s and `retryAfterMs`, then requeue |
 * | store | the back-off, then again; requeue once the hold is over |
 * | poison, conflict (no target) | the longest back-off, then again; requeue once the hold is over |
 * | failed or busy, near the delivery limit | the same delay, then again; requeue once the hold is over |
 * | failed, busy, store, poison, conflict on a stream | the same delay, then again |
 * | failed or busy, where what is rejected comes back | at once: reject |
 */
export function actionFor(verdict: Verdict, now: Circumstances): Action {
  switch (verdict.settlement) {
    case "ack":
    case "reject":
      return { kind: verdict.settlement };
    case "return":
      return { kind: "leave" };
    case "retry": {
      if (leavesByReject(verdict, now)) return { kind: "reject" };
      const delayMs = boundedDelayMs(fullDelayMs(verdict, now), now.holdLeftMs);
      return { kind: staysHere(verdict, now, delayMs) ? "again" : "requeue", delayMs };
    }
  }
}

/**
 * How long a delivery should rest outside of its queue, where there is a retry exchange; undefined: it should not. A
 * stream can't take it back, and while the store is down a copy would only come back to find it so.
 */
export function awayMs(verdict: Verdict, now: Circumstances): number | undefined {
  if (verdict.settlement !== "retry" || now.isStream) return undefined;
  const delayMs = fullDelayMs(verdict, now);
  const isWaitedOut = verdict.reason === "store" && staysHere(verdict, now, delayMs);
  return isWaitedOut ? undefined : delayMs;
}

function leavesByReject({ reason = "failed" }: Verdict, now: Circumstances): boolean {
  return now.comesBack && !now.isStream && (reason === "failed" || reason === "busy");
}

function staysHere({ reason = "failed" }: Verdict, now: Circumstances, delayMs: number): boolean {
  if (now.isStream) return true;
  if (delayMs >= now.holdLeftMs) return false;
  switch (reason) {
    case "store":
    case "poison":
    case "conflict":
      return true;
    case "failed":
    case "busy":
      return isNearLimit(now.deliveryCount, now.deliveryLimit);
  }
}

function fullDelayMs(verdict: Verdict, now: Circumstances): number {
  const { reason = "failed", retryAfterMs } = verdict;
  switch (reason) {
    case "busy":
      return busyDelayMs(retryAfterMs, now.random);
    case "poison":
    case "conflict":
      return longestBackOffMs(now.random);
    case "store":
      return Math.max(now.retryDelayMs(now.round + 1), retryAfterMs ?? 0);
    case "failed":
      return Math.max(now.retryDelayMs(failedAttempts(verdict, now)), retryAfterMs ?? 0);
  }
}

/** Without a claim nobody counts attempts, so the broker's count stands in. */
function failedAttempts({ outcome, detail, attempt }: Verdict, now: Circumstances): number {
  const isCounted = outcome !== "unprotected" && detail !== "shadow";
  return isCounted && attempt !== undefined
    ? attempt
    : now.deliveryCount + now.retries + now.round + 1;
}
