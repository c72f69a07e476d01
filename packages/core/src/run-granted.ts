import type { Admission } from "./admission.js";
import type { AttendOptions } from "./attend.js";
import { afterRun } from "./decide.js";
import type { Engine } from "./engine.js";
import { OnlyOnceError, PermanentError } from "./errors.js";
import type { Handler } from "./handler.js";
import type { Lease } from "./lease-keeper.js";
import type { OutcomeDetail, Verdict } from "./outcome.js";
import { encodeResult } from "./replay.js";
import { RunContext } from "./run-context.js";
import { complete, release, releaseUnstarted, start } from "./store-calls.js";
import type { Subject } from "./subject.js";
import { type Step, sendToDeadLetter, verdictOf } from "./verdicts.js";

type Granted = Extract<Admission, { kind: "granted" }>;

type Ended<Result> =
  | { readonly ended: "resolved"; readonly value: Result }
  | { readonly ended: "rejected"; readonly error: unknown };

/**
 * Runs the handler under a granted claim, and records what came of it. The lease is tended until that is answered or
 * given up. `onSent` is called once the completion was handed to the store: from there on the verdict is `ack`.
 */
export async function runGranted<Result>(
  engine: Engine,
  subject: Subject,
  options: AttendOptions,
  granted: Granted,
  handler: Handler<Result>,
  onSent: (() => void) | undefined,
): Promise<Step<Result>> {
  const run = new GrantedRun<Result>(engine, subject, options, granted, onSent);
  try {
    return await run.run(handler);
  } finally {
    engine.leases.end(granted.lease);
  }
}

class GrantedRun<Result> {
  readonly #engine: Engine;
  readonly #subject: Subject;
  readonly #options: AttendOptions;
  readonly #granted: Granted;
  readonly #lease: Lease;
  readonly #onSent: (() => void) | undefined;

  constructor(
    engine: Engine,
    subject: Subject,
    options: AttendOptions,
    granted: Granted,
    onSent: (() => void) | undefined,
  ) {
    this.#engine = engine;
    this.#subject = subject;
    this.#options = options;
    this.#granted = granted;
    this.#lease = granted.lease;
    this.#onSent = onSent;
  }

  async run(handler: Handler<Result>): Promise<Step<Result>> {
    const { exhausted, takeover, suspect, attempt } = this.#granted;
    // Without a dead-letter target a message that failed too often is retried for ever, at the longest back-off; one
    // that ended its last process is held for one back-off first.
    if (exhausted && (this.#options.deadLetter !== undefined || takeover)) {
      const error = new OnlyOnceError(
        "ERR_ONLYONCE_POISON",
        `a message on ${this.#subject.delivery.topic} was tried ${attempt - 1} times without success; it is not run again`,
        { retriable: false },
      );
      return this.#poison(error, "unstarted");
    }
    if (suspect) {
      const marked = await start(this.#engine, this.#lease);
      if (!marked.answered) {
        await release(this.#engine, this.#lease, "unstarted");
        return verdict({
          outcome: "store_error",
          settlement: "retry",
          reason: "store",
          error: marked.error,
        });
      }
      if (marked.reply === "lost") return { kind: "again", claimLost: false };
    }
    // Somebody else may have run it since the grant: this process stood still, or the claim waited its turn.
    if (!this.#lease.isFresh(this.#engine.clock.nowMs())) {
      await release(this.#engine, this.#lease, "unstarted");
      return { kind: "again", claimLost: false };
    }
    // The answer may have come after the end began: what has not started by then never does.
    if (this.#engine.closing.aborted) {
      await releaseUnstarted(this.#engine, this.#lease);
      return verdict(verdictOf({ kind: "returned" }));
    }
    const context = new RunContext(attempt, this.#lease.held.key);
    return this.#after(context, await this.#call(handler, context));
  }

  async #call(handler: Handler<Result>, context: RunContext): Promise<Ended<Result>> {
    const lease = this.#lease;
    const { delivery, policy } = this.#subject;
    lease.stopAtMs = this.#engine.clock.nowMs() + policy.maxProcessingMs;
    lease.onAbort = (reason) => {
      context.abort(reason);
      this.#engine.observers.incident({ kind: reason, delivery });
    };
    try {
      return { ended: "resolved", value: await handler(context) };
    } catch (error) {
      return { ended: "rejected", error };
    } finally {
      lease.onAbort = undefined;
      if (context.abortedBy !== "time_up") lease.stopAtMs = Number.POSITIVE_INFINITY;
    }
  }

  #after(context: RunContext, end: Ended<Result>): Promise<Step<Result>> {
    const next = afterRun({
      ended: end.ended,
      permanent: end.ended === "rejected" && PermanentError.is(end.error),
      abortedBy: context.abortedBy,
      mayHaveStopped: context.mayHaveStopped,
      skipped: context.skipped,
      attempt: context.attempt,
      maxAttempts: this.#subject.policy.maxAttempts,
    });
    // A handler that stopped early and resolved gave no error of its own: the reason of the abort stands for it.
    const error = (): unknown => (end.ended === "rejected" ? end.error : context.signal.reason);
    switch (next) {
      case "complete":
        return this.#complete(end);
      case "skip":
        return this.#skip(end);
      case "claim_again":
        return this.#claimAgain();
      case "fail":
        return this.#fail(error());
      case "poison":
        return this.#poison(error(), "failed");
    }
  }

  async #complete(end: Ended<Result>): Promise<Step<Result>> {
    if (end.ended !== "resolved") throw new Error("only a run that resolved is complete");
    const { value } = end;
    const result = encodeResult(this.#engine, this.#subject, this.#options, value);
    const answering = complete(this.#engine, this.#lease, result);
    this.#onSent?.();
    const answer = await answering;
    const attempt = this.#granted.attempt;
    if (!answer.answered) {
      const { error } = answer;
      return verdict({
        outcome: "processed",
        detail: "unrecorded",
        settlement: "ack",
        value,
        attempt,
        error,
      });
    }
    if (answer.reply === "stolen") {
      return verdict({ outcome: "claim_lost", settlement: "ack", value, attempt });
    }
    const detail: OutcomeDetail | undefined = answer.reply === "ok" ? undefined : answer.reply;
    return verdict({
      outcome: "processed",
      settlement: "ack",
      value,
      attempt,
      ...(detail === undefined ? undefined : { detail }),
    });
  }

  async #skip(end: Ended<Result>): Promise<Step<Result>> {
    if (end.ended !== "resolved") throw new Error("only a run that resolved can be skipped");
    await release(this.#engine, this.#lease, "unstarted");
    const { value } = end;
    return verdict({ outcome: "processed", detail: "skipped", settlement: "ack", value });
  }

  async #claimAgain(): Promise<Step<Result>> {
    await release(this.#engine, this.#lease, "unstarted");
    return { kind: "again", claimLost: true };
  }

  async #fail(error: unknown): Promise<Step<Result>> {
    await release(this.#engine, this.#lease, "failed");
    const { attempt } = this.#granted;
    return verdict({ outcome: "failed", settlement: "retry", reason: "failed", attempt, error });
  }

  /** Dead letter first, then the reset, then settle: a crash in between repeats the dead letter and loses nothing. */
  async #poison(error: unknown, otherwise: "failed" | "unstarted"): Promise<Step<Result>> {
    const { attempt } = this.#granted;
    const sent = await sendToDeadLetter(this.#engine, this.#subject, this.#options, {
      error,
      attempt,
    });
    const handedBack = {
      outcome: "failed",
      settlement: "retry",
      reason: "poison",
      attempt,
      error,
    } as const;
    if (!sent.done) {
      await release(this.#engine, this.#lease, otherwise);
      return verdict(handedBack);
    }
    const reset = await release(this.#engine, this.#lease, "reset");
    if (!reset.answered) return verdict(handedBack);
    return verdict({
      outcome: "failed",
      detail: "poison",
      settlement: sent.settlement,
      attempt,
      error,
    });
  }
}

function verdict<Result>(given: Verdict<Result>): Step<Result> {
  return { kind: "verdict", verdict: given };
}
