import { type Admission, admit, patienceFor } from "./admission.js";
import type { AttendOptions, Ticket } from "./attend.js";
import type { Engine } from "./engine.js";
import type { Handler } from "./handler.js";
import type { Settlement, Verdict } from "./outcome.js";
import { runGranted } from "./run-granted.js";
import { runUnprotected } from "./run-unprotected.js";
import type { Subject } from "./subject.js";
import { deadLetter, type Step, verdictOf } from "./verdicts.js";

/** One delivery, from claim to verdict. The key of this process is held from admission to the end. */
export class Attendance implements Ticket {
  readonly #engine: Engine;
  readonly #subject: Subject;
  readonly #options: AttendOptions;
  readonly #arrivedAtMs: number;
  #admission: Admission | undefined;
  #holdsLocalKey = false;
  #isRunning = false;
  /** Some run ended after losing its claim: its effect may have happened, whatever follows. */
  #claimLost = false;

  constructor(engine: Engine, subject: Subject, options: AttendOptions) {
    this.#engine = engine;
    this.#subject = subject;
    this.#options = options;
    this.#arrivedAtMs = engine.clock.nowMs();
  }

  get key(): string | undefined {
    return this.#subject.key;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get status(): Ticket["status"] {
    return this.#admission === undefined ? "run" : ticketStatus(this.#admission);
  }

  /** Claims. A ticket that follows an equal key of its own batch is not admitted ahead: it claims when it runs. */
  async admit(): Promise<void> {
    this.#admission = await this.#enter();
  }

  async run<Result>(handler: Handler<Result>): Promise<Verdict<Result>> {
    this.#isRunning = true;
    try {
      const verdict = await this.#runToVerdict(handler);
      this.#engine.report(this.#subject.delivery, verdict);
      return verdict;
    } finally {
      this.#leave();
    }
  }

  async abandon(): Promise<void> {
    if (this.#isRunning) return;
    const admission = this.#admission;
    this.#admission = { kind: "returned" };
    try {
      if (admission?.kind === "granted") {
        this.#engine.leases.end(admission.lease);
        await this.#engine.store.release([{ ...admission.lease.held, as: "unstarted" }]);
      }
    } catch {
      // The claim lapses by itself.
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<Admission> {
    const { mode, key, policy, keyError } = this.#subject;
    if (this.#engine.closing.aborted) return { kind: "returned" };
    if (mode === "off") return { kind: "unprotected", detail: "off" };
    if (key === undefined) {
      if (policy.onMissingKey === "process" || mode === "shadow") {
        return { kind: "unprotected", detail: "key_missing" };
      }
      return { kind: "key_missing", error: keyError };
    }
    const patience = patienceFor(this.#engine, this.#subject, this.#options);
    try {
      if (!this.#holdsLocalKey && !this.#engine.localKeys.tryTake(key)) {
        if (mode === "shadow") return { kind: "shadowed", outcome: "busy", origin: {} };
        const taken = await this.#engine.localKeys.take(
          key,
          patience.leftMs("busy"),
          patience.signal,
        );
        if (!taken && patience.isStopped) return { kind: "returned" };
        if (!taken) return { kind: "busy", origin: {}, retryAfterMs: policy.leaseMs };
      }
      this.#holdsLocalKey = true;
      return await admit(this.#engine, this.#subject, key, patience);
    } finally {
      patience.end();
    }
  }

  async #runToVerdict<Result>(handler: Handler<Result>): Promise<Verdict<Result>> {
    for (;;) {
      this.#admission ??= await this.#enter();
      const step = await this.#step(this.#admission, handler);
      if (step.kind === "verdict") return this.#marked(step.verdict);
      this.#claimLost ||= step.claimLost;
      this.#admission = undefined;
      const spentMs = this.#engine.clock.nowMs() - this.#arrivedAtMs;
      if (spentMs > this.#subject.policy.maxProcessingMs) {
        return this.#marked({ outcome: "busy", settlement: "retry", reason: "busy" });
      }
    }
  }

  async #step<Result>(admission: Admission, handler: Handler<Result>): Promise<Step<Result>> {
    switch (admission.kind) {
      case "granted":
        return runGranted(this.#engine, this.#subject, this.#options, admission, handler);
      case "unprotected":
      case "shadowed":
        return runUnprotected(this.#engine, this.#subject, this.#options, admission, handler);
      case "key_missing":
      case "conflict":
        return {
          kind: "verdict",
          verdict: await deadLetter(this.#engine, this.#subject, this.#options, admission),
        };
      case "returned":
      case "duplicate":
      case "busy":
      case "store_error":
        return { kind: "verdict", verdict: verdictOf(admission) };
    }
  }

  #marked<Result>(verdict: Verdict<Result>): Verdict<Result> {
    const isOutcome = (settlement: Settlement): boolean => settlement !== "return";
    if (!this.#claimLost || !isOutcome(verdict.settlement)) return verdict;
    const { detail: _detail, ...rest } = verdict;
    return { ...rest, outcome: "claim_lost" };
  }

  #leave(): void {
    if (this.#holdsLocalKey && this.#subject.key !== undefined) {
      this.#holdsLocalKey = false;
      this.#engine.localKeys.leave(this.#subject.key);
    }
  }
}

function ticketStatus(admission: Admission): Ticket["status"] {
  switch (admission.kind) {
    case "granted":
    case "unprotected":
    case "shadowed":
    case "key_missing":
      return "run";
    case "returned":
      return "return";
    case "duplicate":
    case "busy":
    case "conflict":
    case "store_error":
      return admission.kind;
  }
}
