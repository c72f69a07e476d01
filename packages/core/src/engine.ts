import { AheadTicket } from "./ahead-ticket.js";
import type { AttendOptions, Ticket } from "./attend.js";
import { Attendance } from "./attendance.js";
import { claimAhead } from "./claim-ahead.js";
import type { Clock } from "./clock.js";
import type { Delivery } from "./delivery.js";
import type { Handler } from "./handler.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { LinkedList } from "./linked-list.js";
import { LocalKeys } from "./local-keys.js";
import {
  createFingerprintDigest,
  createKeyDigest,
  type KeyDigest,
  type MessageKey,
} from "./message-key.js";
import { observedStore } from "./observed-store.js";
import type { Observer, OutcomeEvent } from "./observer.js";
import { Observers } from "./observers.js";
import { quote } from "./option-checks.js";
import type { Verdict } from "./outcome.js";
import { OwnerTokens } from "./owner-tokens.js";
import type { Finding, Store } from "./store.js";
import { type Subject, subjectOf } from "./subject.js";
import type { TopicPolicies } from "./topic-policies.js";
import { wait } from "./wait.js";

export interface EngineParts {
  readonly store: Store;
  readonly scope: string;
  readonly policies: TopicPolicies;
  readonly keySecret: Uint8Array | undefined;
  readonly observers: readonly Observer[];
  readonly clock: Clock;
}

/** How many topics keep a prepared digest function. */
const MAX_DIGESTS = 1024;

/** What all deliveries of one deduplicator share. */
export class Engine {
  readonly store: Store;
  readonly policies: TopicPolicies;
  readonly clock: Clock;
  readonly observers: Observers;
  readonly tokens: OwnerTokens = new OwnerTokens();
  readonly localKeys: LocalKeys;
  readonly leases: LeaseKeeper;
  readonly #scope: string;
  readonly #keySecret: Uint8Array | undefined;
  readonly #closing = new AbortController();
  readonly #digests = new Map<string, KeyDigest>();
  readonly fingerprintOf: KeyDigest;
  readonly #open = new LinkedList<Attendance>();
  readonly #background = new Set<Promise<unknown>>();
  #isChecked = false;
  #hasWarned = false;
  #closed: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(parts: EngineParts) {
    this.policies = parts.policies;
    this.clock = parts.clock;
    this.observers = new Observers(parts.observers);
    const { observers } = this;
    this.store = observers.mayHearStoreCalls
      ? observedStore(parts.store, parts.clock, observers)
      : parts.store;
    this.localKeys = new LocalKeys(parts.clock);
    this.leases = new LeaseKeeper(this.store, parts.clock, {
      restored: () => this.observers.incident({ kind: "claim_restored" }),
    });
    this.#scope = parts.scope;
    this.#keySecret = parts.keySecret;
    this.fingerprintOf = createFingerprintDigest(parts.keySecret);
  }

  /** Aborts when the deduplicator begins to close: stop taking and stop waiting; running handlers go on. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  digestOf(topic: string, key: MessageKey | undefined): string | undefined {
    let digest = this.#digests.get(topic);
    if (digest === undefined) {
      digest = createKeyDigest(this.#scope, topic, this.#keySecret);
      if (this.#digests.size >= MAX_DIGESTS) this.#digests.clear();
      this.#digests.set(topic, digest);
    }
    return digest(key);
  }

  attend<Result>(
    delivery: Delivery,
    handler: Handler<Result>,
    options: AttendOptions,
  ): Promise<Verdict<Result>> {
    const attendance = this.#enter(delivery, options);
    if (!this.observers.wrap) return attendance.run(handler);
    return this.observers.around(attendance.subject, () => attendance.run(handler));
  }

  /** Whatever can't be granted at once, such as the follower of an equal key, claims for itself when it runs. */
  async claimAll(
    deliveries: readonly Delivery[],
    options: AttendOptions,
  ): Promise<readonly Ticket[]> {
    const attendances = deliveries.map((delivery) => this.#enter(delivery, options));
    await claimAhead(this, attendances);
    return attendances.map((attendance) => new AheadTicket(this, attendance));
  }

  /** Reports the one outcome of a delivery. A delivery returned untouched is not yet an outcome. */
  report(subject: Subject, verdict: Verdict): void {
    const { outcome, detail, origin, attempt, error, result } = verdict;
    const { delivery } = subject;
    if (outcome === undefined) return;
    const hasFailed = outcome === "failed" || (outcome === "unprotected" && error !== undefined);
    if (hasFailed && this.observers.isEmpty && !this.#hasWarned) {
      this.#hasWarned = true;
      process.emitWarning(
        `a delivery on ${quote(delivery.topic)} ended as ${outcome} and will be retried or dead-lettered; this deduplicator has no observers, so later ones are not shown: ${String(error)}`,
        { type: "OnlyOnceWarning", code: "ONLYONCE_UNOBSERVED_FAILURE" },
      );
    }
    if (this.observers.isSilent) return;
    const event: OutcomeEvent = {
      delivery,
      outcome,
      ...(detail !== undefined && { detail }),
      ...(origin !== undefined && { origin }),
      ...(attempt !== undefined && { attempt }),
      ...(error !== undefined && { error }),
      ...(result !== undefined && { replayed: true }),
    };
    this.observers.outcome(event, subject);
  }

  /** Lets a call finish by itself; closing waits for it. Its failure changes nothing. */
  inBackground(call: Promise<unknown>): void {
    const settled = call.then(
      () => undefined,
      () => undefined,
    );
    this.#background.add(settled);
    void settled.then(() => this.#background.delete(settled));
  }

  /** Stops taking, lets running handlers finish for `drainMs`, releases claims not started, then stops renewing. */
  close(drainMs: number): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    this.#closing.abort();
    for (const attendance of this.#open.toArray()) {
      if (!attendance.isRunning) this.inBackground(attendance.abandon());
    }
    if (drainMs > 0) await this.#drain(drainMs);
    this.leases.close();
  }

  async #drain(drainMs: number): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (this.#open.isEmpty) resolve();
    });
    const stop = new AbortController();
    const work = drained.then(() => Promise.all(this.#background)).then(() => stop.abort());
    await Promise.race([work, wait(this.clock, drainMs, stop.signal)]);
  }

  #enter(delivery: Delivery, options: AttendOptions): Attendance {
    const subject = subjectOf(this, delivery);
    if (!this.#isChecked && subject.mode !== "off") this.#checkOnce();
    const attendance = new Attendance(this, subject, options);
    this.#open.add(attendance);
    return attendance;
  }

  /** A delivery is through, or was given back. */
  left(attendance: Attendance): void {
    this.#open.delete(attendance);
    this.observers.left(attendance.subject);
    if (this.#open.isEmpty) this.#onIdle?.();
  }

  /** Start-up checks run beside the first message and never delay it. */
  #checkOnce(): void {
    this.#isChecked = true;
    const tell = (finding: Finding): void => this.observers.finding(finding);
    const check = async (): Promise<void> => {
      const unsubscribe = this.store.onFinding(tell);
      this.closing.addEventListener("abort", unsubscribe, { once: true });
      for (const finding of await this.store.check()) tell(finding);
    };
    this.inBackground(check());
  }
}

const ENGINE = Symbol.for("@onlyonce/engine");

/** Ties an engine to the deduplicator that users hold; found again by symbol, so that two copies of the library agree. */
export function attachEngine(deduplicator: object, engine: Engine): void {
  Object.defineProperty(deduplicator, ENGINE, { value: engine });
}

export function engineOf(deduplicator: object): Engine {
  const engine: unknown = Reflect.get(deduplicator, ENGINE);
  if (engine === undefined) {
    throw new TypeError(
      `deduplicator must come from createDeduplicator, got ${quote(deduplicator)}`,
    );
  }
  return engine as Engine;
}
