import type { Admission } from "./admission.js";
import type { AttendOptions } from "./attend.js";
import type { Engine } from "./engine.js";
import { OnlyOnceError } from "./errors.js";
import type { DeadLetterReason } from "./handler.js";
import type { Verdict } from "./outcome.js";
import type { Subject } from "./subject.js";

/** What one pass over a delivery came to: its verdict, or that it must be claimed again (after a run that lost its claim). */
export type Step<Result> = Verdict<Result> | "again" | "again_after_loss";

/** The verdict on a delivery whose handler does not run. */
export function verdictOf(
  admission: Extract<Admission, { kind: "returned" | "duplicate" | "busy" | "store_error" }>,
): Verdict<never> {
  switch (admission.kind) {
    case "returned":
      return { outcome: undefined, settlement: "return" };
    case "duplicate":
      return {
        outcome: "duplicate",
        settlement: "ack",
        origin: admission.origin,
        ...(admission.result === undefined ? undefined : { result: admission.result }),
      };
    case "busy":
      return {
        outcome: "busy",
        settlement: "retry",
        reason: "busy",
        origin: admission.origin,
        retryAfterMs: admission.retryAfterMs,
      };
    case "store_error":
      return {
        outcome: "store_error",
        settlement: "retry",
        reason: "store",
        error: admission.error,
      };
  }
}

/** What became of a message that no retry can help. */
export type DeadLettering =
  | { readonly done: true; readonly settlement: "ack" | "reject" }
  | { readonly done: false };

/** Makes the message durable elsewhere, and reports where that was not possible. */
export async function sendToDeadLetter(
  engine: Engine,
  subject: Subject,
  options: AttendOptions,
  why: DeadLetterReason,
): Promise<DeadLettering> {
  const { delivery } = subject;
  if (options.deadLetter === "reject") return { done: true, settlement: "reject" };
  if (options.deadLetter === undefined) {
    engine.observers.incident({ kind: "dead_letter_missing", delivery, error: why.error });
    return { done: false };
  }
  const traceparent = engine.observers.traceparent(subject);
  try {
    await options.deadLetter(traceparent === undefined ? why : { ...why, traceparent }, delivery);
    return { done: true, settlement: "ack" };
  } catch (error) {
    engine.observers.incident({ kind: "dead_letter_failed", delivery, error });
    return { done: false };
  }
}

/** A delivery that never gets a claim and that no retry can help: a conflict, or a missing key where these are rejected. */
export async function deadLetter(
  engine: Engine,
  subject: Subject,
  options: AttendOptions,
  admission: Extract<Admission, { kind: "conflict" | "key_missing" }>,
): Promise<Verdict<never>> {
  const isConflict = admission.kind === "conflict";
  const error = isConflict
    ? new OnlyOnceError(
        "ERR_ONLYONCE_CONFLICT",
        `another message with the same key was processed on ${subject.delivery.topic}, but with a different payload`,
        { retriable: false },
      )
    : new OnlyOnceError(
        "ERR_ONLYONCE_KEY_MISSING",
        `no key strategy found a message key for a delivery on ${subject.delivery.topic}`,
        {
          retriable: false,
          ...(admission.error === undefined ? undefined : { cause: admission.error }),
        },
      );
  const sent = await sendToDeadLetter(engine, subject, options, { error, attempt: 0 });
  const verdict: Verdict<never> = {
    outcome: isConflict ? "conflict" : "failed",
    settlement: sent.done ? sent.settlement : "retry",
    error,
    ...(isConflict ? { origin: admission.origin } : { detail: "key_missing" as const }),
  };
  return sent.done ? verdict : { ...verdict, reason: isConflict ? "conflict" : "poison" };
}
