import type { Verdict } from "@onlyonce/core/adapter";
import { LONGEST_TIMER_MS } from "@onlyonce/core/internal";
import { backOffMs, longestBackOffMs } from "./back-off.js";

/** What to do with the record at hand. Only after `resolve` may the next record of its partition be touched. */
export type Action =
  | { readonly kind: "resolve" }
  /** Leave the record unresolved, and let its partition rest for so long, in milliseconds. */
  | { readonly kind: "pause"; readonly delayMs: number }
  /** Leave the record unresolved: the consumer is stopping or loses the partition. */
  | { readonly kind: "leave" }
  /** Leave the record unresolved, and give the handler's own error to the client. */
  | { readonly kind: "rethrow"; readonly error: unknown };

export interface SettlementRules {
  readonly onFailure: "pause" | "rethrow";
  /** The caller's back-off, in milliseconds, if there is one. */
  readonly retryDelayMs: ((attempt: number) => number) | undefined;
}

export interface Circumstances {
  /** How often in a row the store could not be reached for this partition, this time included. */
  readonly storeFailures: number;
  /** In [0, 1). */
  readonly random: number;
}

/** A busy key's owner may finish at any time, so a pause for it is short even where the lease is long. */
const LONGEST_BUSY_PAUSE_MS = 5_000;

/** The whole table: what core decided, in Kafka's terms. */
export function actionFor(verdict: Verdict, rules: SettlementRules, now: Circumstances): Action {
  switch (verdict.settlement) {
    case "ack":
      return { kind: "resolve" };
    case "return":
      return { kind: "leave" };
    case "reject":
      // Kafka has no dead-letter exchange and the adapter never asks for one: without a durable copy, never past it.
      return { kind: "pause", delayMs: longestBackOffMs(now.random) };
    case "retry":
      return retry(verdict, rules, now);
  }
}

function retry(verdict: Verdict, rules: SettlementRules, now: Circumstances): Action {
  const { reason = "failed" } = verdict;
  switch (reason) {
    case "busy":
      return { kind: "pause", delayMs: busyPauseMs(verdict.retryAfterMs, now.random) };
    case "store":
      return { kind: "pause", delayMs: delayMs(now.storeFailures, verdict, rules, now) };
    case "poison":
    case "conflict":
      return { kind: "pause", delayMs: longestBackOffMs(now.random) };
    case "failed": {
      const { error } = verdict;
      // A client reads properties of what it catches: `throw undefined` would take it down.
      if (rules.onFailure === "rethrow" && error !== undefined && error !== null) {
        return { kind: "rethrow", error };
      }
      return { kind: "pause", delayMs: delayMs(verdict.attempt ?? 1, verdict, rules, now) };
    }
  }
}

/** Until the owner's lease ends, if that is soon. A little later, so that it has ended by then. */
function busyPauseMs(leaseLeftMs: number | undefined, random: number): number {
  return Math.round(Math.min(leaseLeftMs ?? 1_000, LONGEST_BUSY_PAUSE_MS) * (1 + 0.2 * random)) + 1;
}

function delayMs(
  attempt: number,
  verdict: Verdict,
  { retryDelayMs }: SettlementRules,
  { random }: Circumstances,
): number {
  const own = retryDelayMs === undefined ? undefined : askedDelayMs(retryDelayMs, attempt);
  const delay = Math.max(own ?? backOffMs(attempt, random), verdict.retryAfterMs ?? 0);
  return Math.min(delay, LONGEST_TIMER_MS);
}

/** An invalid answer, or none, gives way to the default: an error here would stop a running consumer. */
function askedDelayMs(
  retryDelayMs: (attempt: number) => number,
  attempt: number,
): number | undefined {
  try {
    const delay = retryDelayMs(attempt);
    return typeof delay === "number" && delay >= 0 ? delay : undefined;
  } catch {
    return undefined;
  }
}
