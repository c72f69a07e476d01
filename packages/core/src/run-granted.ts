import type { Admission } from "./admission.js";
import type { AttendOptions } from "./attend.js";
import { afterRun, type NextStep } from "./decide.js";
import type { Engine } from "./engine.js";
import { OnlyOnceError, PermanentError } from "./errors.js";
import type { Handler } from "./handler.js";
import type { Lease } from "./lease-keeper.js";
import type { Verdict } from "./outcome.js";
import { encodeResult } from "./replay.js";
import { RunContext } from "./run-context.js";
import type { CompleteReply, StoreFailure } from "./store.js";
import { type Answer, complete, release, releaseUnstarted, start } from "./store-calls.js";
import type { Subject } from "./subject.js";
import { type Step, sendToDeadLetter, verdictOf } from "./verdicts.js";

type Granted = Extract<Admission, { kind: "granted" }>;

/**
 * Runs the handler under a granted claim, and records what came of it. The lease is tended until that is answered or
 * given up. `onHandled` is called once the completion was handed to the store: from there on the verdict is `ack`.
 */
export function runGranted<Result>(
  engine: Engine,
  subject: Subject,
  options: AttendOptions,
  granted: Granted,
  handler: Handler<Result>,
  onHandled: (() => void) | undefined,
): Promise<Step<Result>> {
  return new GrantedRun<Result>(engine, subject, options, granted).run(handler, onHandled);
}

class GrantedRun<Result> {
  readonly #engine: Engine;
  readonly #subject: Subject;
  readonly #options: AttendOptions;
  readonly #granted: Granted;
  readonly #lease: Lease;

  constructor(engine: Engine, subject: Subject, options: AttendOptions, granted: Granted) {
    this.#engine = engine;
    this.#subject = subject;
    this.#options = options;
    this.#granted = granted;
    this.#lease = granted.lease;
  }

  /** One function from grant to completion, because every message goes this way; the side ways have their own. */
  async run(handler: Handler<Result>, onHandled: (() => void) | undefined): Promise<Step<Result>> {
    const engine = this.#engine;
    const lease = this.#lease;
    const { suspect, exhausted, attempt } = this.#granted;
    try {
      if (suspect || exhausted) {
        const refusal = await this.#beforeStart();
        if (refusal !== undefined) return refusal;
      }
      // Somebody else may have run it since the grant: this process stood still, or the claim waited its turn.
      if (!lease.isFresh(engine.clock.nowMs())) {
        await release(engine, lease, "unstarted");
        return "again";
      }
      // The answer may have come after the end began: what has not started by then never does.
      if (engine.closing.aborted) {
        await releaseUnstarted(engine, lease);
        return verdictOf({ kind: "returned" });
      }
      const context = new RunContext(attempt, lease.held.key);
      this.#tend(context);
      let value: Result;
      try {
        value = await handler(context);
      } catch (error) {
        this.#untend(context);
        return await this.#rejected(context, error);
      }
      this.#untend(context);
      const next = this.#after(context, "resolved");
      if (next !== "complete") return await this.#unfinished(next, value, context.signal.reason);
      const result = encodeResult(engine, this.#subject, this.#options, value);
      const answering = complete(engine, lease, result);
      onHandled?.();
      return completed(await answering, value, attempt);
    } finally {
      engine.leases.end(lease);
    }
  }

  /** What stands between a grant that is not the first of its key and the start of the handler. */
  async #beforeStart(): Promise<Step<Result> | undefined> {
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
    if (!suspect) return undefined;
    const marked = await start(this.#engine, this.#lease);
    if (!marked.answered) {
      await release(this.#engine, this.#lease, "unstarted");
      return {
        outcome: "store_error",
        settlement: "retry",
        reason: "store",
        error: marked.error,
      };
    }
    return marked.reply === "lost" ? "again" : undefined;
  }

  /** Has the handler told when its time is up or its lease is lost. */
  #tend(context: RunContext): void {
    const { delivery, policy } = this.#subject;
    const { clock, observers } = this.#engine;
    const lease = this.#lease;
    const startedAtMs = clock.nowMs();
    lease.stopAtMs = startedAtMs + policy.maxProcessingMs;
    lease.onAbort = (reason, loss) => {
      context.abort(reason);
      const ranMs = clock.nowMs() - startedAtMs;
      const incident = { kind: reason, delivery, ranMs };
      observers.incident(loss === undefined ? incident : { ...incident, loss }, this.#subject);
    };
    observers.handlerStarted(this.#subject);
  }

  #untend(context: RunContext): void {
    this.#engine.observers.handlerEnded(this.#subject);
    this.#lease.onAbort = undefined;
    if (context.abortedBy !== "time_up") this.#lease.stopAtMs = Number.POSITIVE_INFINITY;
  }

  #after(context: RunContext, ended: "resolved" | "rejected", error?: unknown): NextStep {
    return afterRun({
      ended,
      permanent: ended === "rejected" && PermanentError.is(error),
      abortedBy: context.abortedBy,
      mayHaveStopped: context.mayHaveStopped,
      skipped: context.skipped,
      attempt: context.attempt,
      maxAttempts: this.#subject.policy.maxAttempts,
    });
  }

  #rejected(context: RunContext, error: unknown): Promise<Step<Result>> {
    const next = this.#after(context, "rejected", error);
    return this.#unfinished(next, undefined, error);
  }

  /** `error`: of a handler that stopped early and resolved, the reason of the abort stands for it. */
  #unfinished(next: NextStep, value: Result | undefined, error: unknown): Promise<Step<Result>> {
    switch (next) {
      case "complete":
        throw new Error("only a run that resolved is complete");
      case "skip":
        return this.#skip(value as Result);
      case "claim_again":
        return this.#claimAgain();
      case "fail":
        return this.#fail(error);
      case "poison":
        return this.#poison(error, "failed");
    }
  }

  async #skip(value: Result): Promise<Step<Result>> {
    await release(this.#engine, this.#lease, "unstarted");
    return { outcome: "processed", detail: "skipped", settlement: "ack", value };
  }

  async #claimAgain(): Promise<Step<Result>> {
    await release(this.#engine, this.#lease, "unstarted");
    return "again_after_loss";
  }

  async #fail(error: unknown): Promise<Step<Result>> {
    await release(this.#engine, this.#lease, "failed");
    const { attempt } = this.#granted;
    return { outcome: "failed", settlement: "retry", reason: "failed", attempt, error };
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
      return handedBack;
    }
    const reset = await release(this.#engine, this.#lease, "reset");
    if (!reset.answered) return handedBack;
    return {
      outcome: "failed",
      detail: "poison",
      settlement: sent.settlement,
      attempt,
      error,
    };
  }
}

/** The verdict on a run that did its work. */
function completed<Result>(
  answer: Answer<Exclude<CompleteReply, StoreFailure>>,
  value: Result,
  attempt: number,
): Verdict<Result> {
  if (!answer.answered) {
    const { error } = answer;
    return {
      outcome: "processed",
      detail: "unrecorded",
      settlement: "ack",
      value,
      attempt,
      error,
    };
  }
  switch (answer.reply) {
    case "ok":
      return { outcome: "processed", settlement: "ack", value, attempt };
    case "stolen":
      return { outcome: "claim_lost", settlement: "ack", value, attempt };
    case "late":
    case "vanished":
      return { outcome: "processed", detail: answer.reply, settlement: "ack", value, attempt };
  }
}
