import type { Admission } from "./admission.js";
import type { AttendOptions } from "./attend.js";
import type { Engine } from "./engine.js";
import { PermanentError } from "./errors.js";
import type { Handler } from "./handler.js";
import type { Outcome, OutcomeDetail, Verdict } from "./outcome.js";
import { encodeResult } from "./replay.js";
import { RunContext } from "./run-context.js";
import { completeUnanswered } from "./store-calls.js";
import type { Subject } from "./subject.js";
import { sendToDeadLetter, verdictOf } from "./verdicts.js";

type Open = Extract<Admission, { kind: "unprotected" | "shadowed" }>;

interface Report {
  readonly outcome: Outcome;
  readonly detail: OutcomeDetail;
  readonly origin?: Verdict["origin"] & object;
}

/** Runs the handler without a claim. Its failures are not counted: there is no record to count them in. */
export async function runUnprotected<Result>(
  engine: Engine,
  subject: Subject,
  options: AttendOptions,
  admission: Open,
  handler: Handler<Result>,
): Promise<Verdict<Result>> {
  const report: Report =
    admission.kind === "shadowed"
      ? { outcome: admission.outcome, detail: "shadow", origin: admission.origin }
      : { outcome: "unprotected", detail: admission.detail };
  const unanswered = admission.kind === "unprotected" ? admission.unanswered : undefined;
  // Finding out that nothing protects it took time: what has not started when the end begins never does.
  if (engine.closing.aborted) {
    if (unanswered !== undefined) {
      engine.inBackground(engine.store.release([{ ...unanswered, as: "unstarted" }]));
    }
    return verdictOf({ kind: "returned" });
  }
  const context = new RunContext(1, subject.key ?? engine.tokens.next());
  try {
    const value = await observed(engine, subject, () => handler(context));
    if (unanswered === undefined) {
      return { ...report, settlement: "ack", value };
    }
    if (context.skipped) {
      engine.inBackground(engine.store.release([{ ...unanswered, as: "unstarted" }]));
      return { ...report, settlement: "ack", value };
    }
    const result = encodeResult(engine, subject, options, value);
    const completion = { ...unanswered, ...(result === undefined ? undefined : { result }) };
    const answer = await completeUnanswered(engine, completion);
    const isStolen = answer.answered && answer.reply === "stolen";
    return isStolen
      ? { outcome: "claim_lost", settlement: "ack", value }
      : { ...report, settlement: "ack", value };
  } catch (error) {
    if (unanswered !== undefined) {
      engine.inBackground(engine.store.release([{ ...unanswered, as: "unstarted" }]));
    }
    return afterFailure(engine, subject, options, report, error);
  }
}

async function observed<Result>(
  engine: Engine,
  subject: Subject,
  run: () => Result | PromiseLike<Result>,
): Promise<Result> {
  engine.observers.handlerStarted(subject);
  try {
    return await run();
  } finally {
    engine.observers.handlerEnded(subject);
  }
}

async function afterFailure(
  engine: Engine,
  subject: Subject,
  options: AttendOptions,
  report: Report,
  error: unknown,
): Promise<Verdict<never>> {
  const attempt = 1;
  if (!PermanentError.is(error)) {
    return { ...report, settlement: "retry", reason: "failed", error, attempt };
  }
  const sent = await sendToDeadLetter(engine, subject, options, { error, attempt });
  if (sent.done) return { ...report, settlement: sent.settlement, error, attempt };
  return { ...report, settlement: "retry", reason: "poison", error, attempt };
}
