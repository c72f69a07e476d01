import type { Verdict } from "@onlyonce/core/adapter";
import { backOffMs, boundedDelayMs, busyDelayMs, LONGEST_MS } from "./back-off.js";
import { isNearLimit } from "./delivery-count.js";

/** What to do with a delivery next. */
export type Step =
  /** Settle it now; `leave` settles nothing: the broker takes it back when the channel closes. */
  | { readonly do: "ack" | "reject" | "leave" }
  /** Wait, unacked, then hand it back (`requeue`) or attend to it again without telling the broker (`again`). */
  | { readonly do: "requeue" | "again"; readonly afterMs: number };

/** Where a delivery stands with its broker. */
export interface Situation {
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
  /** A number in [0, 1). */
  readonly random: number;
  /** The delay before attempt + 1, in milliseconds. */
  retryDelayMs(attempt: number): number;
}

/**
 * The verdict on a delivery as a step towards the broker. Nothing that is not done is ever acked, nothing is handed
 * back at once, and what a hand-back cannot help or could lose is held instead, as long as the broker lets us:
 *
 * | verdict | step |
 * |---|---|
 * | ack, reject, return | at once |
 * | failed | back-off, requeue |
 * | busy | at least 1 s and `retryAfterMs`, requeue |
 * | store, poison, conflict | back-off (the longest, but for store), again; requeue when the hold is over |
 * | any of these, near the delivery limit | the same delay, again; requeue when the hold is over |
 * | any of these, on a stream | the same delay, again |
 */
export function nextStep(verdict: Verdict, situation: Situation): Step {
  switch (verdict.settlement) {
    case "ack":
    case "reject":
      return { do: verdict.settlement };
    case "return":
      return { do: "leave" };
    case "retry": {
      const afterMs = boundedDelayMs(delayMs(verdict, situation), situation.holdLeftMs);
      return { do: staysHere(verdict, situation, afterMs) ? "again" : "requeue", afterMs };
    }
  }
}

function staysHere(verdict: Verdict, situation: Situation, afterMs: number): boolean {
  if (situation.isStream) return true;
  if (afterMs >= situation.holdLeftMs) return false;
  switch (verdict.reason) {
    case "store":
    case "poison":
    case "conflict":
      return true;
    default:
      return isNearLimit(situation.deliveryCount, situation.deliveryLimit);
  }
}

function delayMs(verdict: Verdict, situation: Situation): number {
  const { retryAfterMs } = verdict;
  const { round, random } = situation;
  switch (verdict.reason) {
    case "busy":
      return busyDelayMs(retryAfterMs, random);
    case "store":
      return Math.max(backOffMs(round + 1, random), retryAfterMs ?? 0);
    case "poison":
    case "conflict":
      return LONGEST_MS;
    default:
      return Math.max(situation.retryDelayMs(attemptOf(verdict, situation)), retryAfterMs ?? 0);
  }
}

/** Without a claim nobody counts attempts, so the broker's count stands in. */
function attemptOf({ outcome, detail, attempt }: Verdict, situation: Situation): number {
  const isCounted = outcome !== "unprotected" && detail !== "shadow";
  if (isCounted && attempt !== undefined) return attempt;
  return situation.deliveryCount + situation.round + 1;
}
