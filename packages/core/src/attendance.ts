import { type Admission, admit, granted, patienceFor, refused, requestFor } from "./admission.js";
import type { AttendOptions, Ticket } from "./attend.js";
import { claimEventOf, isStoreError } from "./claim-event.js";
import { afterClaim } from "./decide.js";
import type { Engine } from "./engine.js";
import type { Handler } from "./handler.js";
import type { Lease } from "./lease-keeper.js";
import type { Linked } from "./linked-list.js";
import type { Verdict } from "./outcome.js";
import { runGranted } from "./run-granted.js";
import { runUnprotected } from "./run-unprotected.js";
import type { ClaimReply, ClaimRequest } from "./store.js";
import { releaseUnstarted } from "./store-calls.js";
import type { Subject } from "./subject.js";
import { deadLetter, verdictOf } from "./verdicts.js";

/** One delivery, from claim to verdict. The key of this process is held from admission to the end. */
export class Attendance implements Linked<Attendance> {
  readonly #engine: Engine;
  readonly #subject: Subject;
  readonly #options: AttendOptions;
  #admission: Admission | undefined;
  #holdsLocalKey = false;
  #isRunning = false;
  /** Some run ended after losing its claim: its effect may have happened, whatever follows. */
  #claimLost = false;
  /** How long it waited for the owner of its claim, in milliseconds. */
  #waitedMs = 0;
  previous: Attendance | undefined;
  next: Attendance | undefined;

  constructor(engine: Engine, subject: Subject, options: AttendOptions) {
    this.#engine = engine;
    this.#subject = subject;
    this.#options = options;
  }

  get subject(): Subject {
    return this.#subject;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get status(): Ticket["status"] {
    return this.#admission === undefined ? "later" : ticketStatus(this.#admission);
  }

  /** What to ask the store for, ahead of the run. Undefined: nothing, or not before the run, because the key is taken. */
  claimAhead(): ClaimRequest | undefined {
    this.#admission = this.#unclaimed();
    const { key } = this.#subject;
    if (this.#admission !== undefined || key === undefined) return undefined;
    if (!this.#engine.localKeys.tryTake(key)) return undefined;
    this.#holdsLocalKey = true;
    return requestFor(this.#engine, this.#subject, key);
  }

  /** Takes the answer to what was asked for ahead. False: the claim may stand, and nobody wants it. */
  takeAnswer(request: ClaimRequest, reply: ClaimReply, sentAtMs: number): boolean {
    const isAbandoned = this.#admission !== undefined;
    const next = afterClaim(reply.status);
    if (next === "run" && !isAbandoned) {
      this.#admission = granted(this.#engine, this.#subject, request, reply, sentAtMs);
      return true;
    }
    // A conflict that a further rule may take for a duplicate is asked about when the delivery runs.
    const isOpen = reply.status === "conflict" && this.#subject.furtherFingerprints.length > 0;
    if (next === "refuse" && !isAbandoned && !isOpen) {
      this.#admission = refused(this.#subject, reply);
    }
    this.#leave();
    return next !== "run" && next !== "store_down";
  }

  /**
   * From claim to verdict. Never rejects. `onHandled` is called, perhaps twice, with whether the next delivery may start:
   * as soon as the completion was sent, or at the verdict.
   */
  async run<Result>(
    handler: Handler<Result>,
    onHandled?: (mayGoOn: boolean) => void,
  ): Promise<Verdict<Result>> {
    const engine = this.#engine;
    this.#isRunning = true;
    let mayGoOn = false;
    try {
      this.#adoptSpan();
      // A store may send at the end of the turn in which it was asked: what starts next must come after that.
      const onSent = onHandled && ((): void => process.nextTick(onHandled, true));
      const arrivedAtMs = engine.clock.nowMs();
      let verdict: Verdict<Result> | undefined;
      while (verdict === undefined) {
        const admission: Admission = this.#admission ?? (await this.#enter());
        this.#admission = admission;
        this.#tellOfClaim(admission);
        const step =
          admission.kind === "granted"
            ? await runGranted(engine, this.#subject, this.#options, admission, handler, onSent)
            : await this.#withoutClaim(admission, handler);
        verdict = typeof step === "object" ? step : this.#afterLoss(step, arrivedAtMs);
      }
      verdict = this.#marked(verdict);
      mayGoOn = verdict.settlement === "ack";
      engine.report(this.#subject, verdict);
      return verdict;
    } finally {
      this.#leave();
      engine.left(this);
      onHandled?.(mayGoOn);
    }
  }

  async abandon(): Promise<void> {
    if (this.#isRunning) return;
    const admission = this.#admission;
    this.#admission = { kind: "returned" };
    if (admission?.kind === "granted") {
      const { lease } = admission;
      this.#engine.leases.end(lease);
      if (!(await this.#released(lease))) {
        this.#engine.inBackground(releaseUnstarted(this.#engine, lease));
      }
    }
    this.#leave();
    this.#engine.left(this);
  }

  async #released(lease: Lease): Promise<boolean> {
    try {
      const [reply] = await this.#engine.store.release([{ ...lease.held, as: "unstarted" }]);
      return reply === "ok" || reply === "lost";
    } catch {
      return false;
    }
  }

  /** What a delivery comes to that asks for no claim. */
  #unclaimed(): Admission | undefined {
    const { mode, key, policy, keyError } = this.#subject;
    if (this.#engine.closing.aborted) return { kind: "returned" };
    if (mode === "off") return { kind: "unprotected", detail: "off" };
    if (key !== undefined) return undefined;
    return policy.onMissingKey === "process" || mode === "shadow"
      ? { kind: "unprotected", detail: "key_missing" }
      : { kind: "key_missing", error: keyError };
  }

  async #enter(): Promise<Admission> {
    const unclaimed = this.#unclaimed();
    const { mode, key, policy } = this.#subject;
    if (unclaimed !== undefined || key === undefined) return unclaimed ?? { kind: "returned" };
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
      this.#waitedMs += patience.waitedForOwnerMs;
      patience.end();
    }
  }

  /** A claim taken ahead was taken outside of the span that does the work; its record should name that span. */
  #adoptSpan(): void {
    if (this.#admission?.kind !== "granted") return;
    const traceparent = this.#engine.observers.traceparent(this.#subject);
    const { lease } = this.#admission;
    if (traceparent === undefined || traceparent === lease.held.origin.traceparent) return;
    lease.held = { ...lease.held, origin: { ...lease.held.origin, traceparent } };
  }

  #withoutClaim<Result>(
    admission: Exclude<Admission, { readonly kind: "granted" }>,
    handler: Handler<Result>,
  ): Promise<Verdict<Result>> | Verdict<Result> {
    switch (admission.kind) {
      case "unprotected":
      case "shadowed":
        return runUnprotected(this.#engine, this.#subject, this.#options, admission, handler);
      case "key_missing":
      case "conflict":
        return deadLetter(this.#engine, this.#subject, this.#options, admission);
      case "returned":
      case "duplicate":
      case "busy":
      case "store_error":
        return verdictOf(admission);
    }
  }

  /** Claims again, unless the longest processing time has passed since the delivery came. */
  #afterLoss(step: "again" | "again_after_loss", arrivedAtMs: number): Verdict<never> | undefined {
    this.#claimLost ||= step === "again_after_loss";
    this.#admission = undefined;
    const spentMs = this.#engine.clock.nowMs() - arrivedAtMs;
    return spentMs > this.#subject.policy.maxProcessingMs
      ? { outcome: "busy", settlement: "retry", reason: "busy" }
      : undefined;
  }

  #tellOfClaim(admission: Admission): void {
    const { observers } = this.#engine;
    if (observers.isSilent && !isStoreError(admission)) return;
    const event = claimEventOf(admission, this.#subject.delivery, this.#waitedMs);
    if (event !== undefined) observers.claim(event, this.#subject);
  }

  #marked<Result>(verdict: Verdict<Result>): Verdict<Result> {
    if (!this.#claimLost) return verdict;
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
