import type { AttendOptions } from "./attend.js";
import { type Clock, systemClock } from "./clock.js";
import type { Delivery, Origin } from "./delivery.js";
import { attachEngine, Engine } from "./engine.js";
import { OnlyOnceError } from "./errors.js";
import type { DeadLetterReason, Handler } from "./handler.js";
import type { Observer } from "./observer.js";
import { quote, refuseUnknown, requireInteger, requireObject } from "./option-checks.js";
import type { OutcomeDetail, Verdict } from "./outcome.js";
import type { TopicPolicy } from "./policy.js";
import type { Codec } from "./replay.js";
import type { ClaimRequest, Finding, KeyRecord, Store } from "./store.js";
import { type Subject, subjectOf } from "./subject.js";
import { TopicPolicies } from "./topic-policies.js";

export interface DeduplicatorOptions<Topic extends string> {
  readonly store: Store;
  /** Who must process a message once: consumer group or service (and handler, where one process has several). Part of every key. */
  readonly scope: string;
  /** What topics leave out. */
  readonly defaults?: TopicPolicy;
  /** Exact names and patterns with `*`; exact wins, then the most literal characters; a tie throws. */
  readonly topics?: { readonly [K in Topic]: TopicPolicy };
  /** HMAC secret (at least 16 bytes), so that digests in the store cannot be guessed from likely ids. */
  readonly keySecret?: Uint8Array;
  readonly observers?: readonly Observer[];
}

/** How `process` ended when the message may be acked. */
export type Settled<Result> =
  | {
      readonly outcome: "processed" | "unprotected";
      readonly value: Result;
      readonly detail?: OutcomeDetail;
    }
  /** A double effect is likely. No value when this delivery's own run was given up and another delivery did the work. */
  | { readonly outcome: "claim_lost"; readonly value?: Result }
  | { readonly outcome: "duplicate"; readonly origin: Origin };

/** With a codec, a duplicate gets the stored result; undefined where none was kept. */
export interface Replayed<Result> {
  readonly outcome: Settled<Result>["outcome"];
  readonly value: Result | undefined;
}

export interface ProcessOptions {
  /** Stops waiting for a busy key or a store that is down; a running handler goes on. */
  readonly signal?: AbortSignal;
  /**
   * Makes a poison or conflicting message durable elsewhere. Without it `process` rejects with the error and leaves
   * that to the caller; either way the key is reset, so that a re-drive runs.
   */
  readonly deadLetter?: (why: DeadLetterReason) => Promise<void>;
}

export interface Deduplicator<Topic extends string = string> {
  /**
   * Runs `handler` once per message key inside the window. Resolves only when the message may be acked. Otherwise
   * rejects: with the handler's own error, or an `OnlyOnceError` (busy, conflict, poison, key missing, store, closed).
   */
  process<Result>(
    delivery: Delivery<Topic>,
    handler: Handler<Result>,
    options: ProcessOptions & { readonly replay: Codec<Result> },
  ): Promise<Replayed<Result>>;
  process<Result>(
    delivery: Delivery<Topic>,
    handler: Handler<Result>,
    options?: ProcessOptions,
  ): Promise<Settled<Result>>;
  /** Checks and remembers in one command: at most once. For effects that may be missed but never repeated (impressions, coupons). */
  isDuplicate(delivery: Delivery<Topic>): Promise<boolean>;
  /** What is known of the key of this delivery. */
  inspect(delivery: Delivery<Topic>): Promise<KeyRecord | undefined>;
  /** Lets the message run again. Removes only the record that `seen` describes (default: as it is now), never a live claim. */
  forget(delivery: Delivery<Topic>, seen?: KeyRecord): Promise<boolean>;
  /** Looks at the store's server and settings. */
  check(): Promise<readonly Finding[]>;
  /**
   * Stops taking, lets running handlers finish and record for up to `drainMs` (default 30,000), releases claims not
   * started. Does not close the store's connection: close the consumer first, then this, then Redis.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const OPTIONS = ["store", "scope", "defaults", "topics", "keySecret", "observers"] as const;
const STORE_METHODS = [
  "claim",
  "remember",
  "start",
  "renew",
  "complete",
  "release",
  "inspect",
  "forget",
  "check",
  "onFinding",
  "close",
] as const satisfies readonly (keyof Store)[];

/** Guards handlers: the whole of onlyonce behind one object. Throws RangeError or TypeError for invalid options, before any I/O. */
export function createDeduplicator<const Topic extends string = string>(
  options: DeduplicatorOptions<Topic>,
): Deduplicator<Topic> {
  return createDeduplicatorWith(options, systemClock);
}

/** The same with a clock of the caller's choice: for tests. */
export function createDeduplicatorWith<const Topic extends string = string>(
  options: DeduplicatorOptions<Topic>,
  clock: Clock,
): Deduplicator<Topic> {
  requireObject("options", options);
  refuseUnknown("createDeduplicator", options, OPTIONS);
  const store = checkStore(options.store);
  const { scope, keySecret, observers } = options;
  if (typeof scope !== "string" || scope === "") {
    throw new TypeError(`scope must be a non-empty string, got ${quote(scope)}`);
  }
  if (keySecret !== undefined && !(keySecret instanceof Uint8Array && keySecret.length >= 16)) {
    throw new TypeError("keySecret must be a Uint8Array of at least 16 bytes");
  }
  if (observers !== undefined && !Array.isArray(observers)) {
    throw new TypeError(`observers must be an array, got ${quote(observers)}`);
  }
  const policies = new TopicPolicies(options.defaults, options.topics);
  checkCommandTimeout(store, policies);
  const engine = new Engine({
    store,
    scope,
    policies,
    keySecret,
    observers: observers ?? [],
    clock,
  });
  return new GuardedDeduplicator<Topic>(engine);
}

function checkStore(store: unknown): Store {
  requireObject("store", store);
  const missing = STORE_METHODS.find((method) => typeof store[method] !== "function");
  if (missing !== undefined)
    throw new TypeError(`store must be a Store: it has no method ${quote(missing)}`);
  return store as unknown as Store;
}

function checkCommandTimeout(store: Store, policies: TopicPolicies): void {
  const timeout = store.commandTimeoutMs;
  if (timeout === undefined) return;
  const shortest = Math.min(...policies.all().map((policy) => policy.leaseMs));
  if (timeout > shortest / 6) {
    throw new RangeError(
      `the store's commandTimeoutMs must be at most a sixth of the shortest leaseMs (${shortest}), got ${quote(timeout)}: renewals could not be retried before the lease lapses`,
    );
  }
}

class GuardedDeduplicator<Topic extends string> implements Deduplicator<Topic> {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
    attachEngine(this, engine);
  }

  process<Result>(
    delivery: Delivery<Topic>,
    handler: Handler<Result>,
    options: ProcessOptions & { readonly replay: Codec<Result> },
  ): Promise<Replayed<Result>>;
  process<Result>(
    delivery: Delivery<Topic>,
    handler: Handler<Result>,
    options?: ProcessOptions,
  ): Promise<Settled<Result>>;
  async process<Result>(
    delivery: Delivery<Topic>,
    handler: Handler<Result>,
    options: ProcessOptions & { readonly replay?: Codec<Result> } = {},
  ): Promise<Replayed<Result> | Settled<Result>> {
    const { replay, signal } = options;
    const attendOptions: AttendOptions = {
      deadLetter: options.deadLetter ?? leaveToCaller,
      ...(signal === undefined ? undefined : { signal }),
      ...(replay === undefined
        ? undefined
        : { encode: (value) => encode(replay, value as Result) }),
    };
    const verdict = await this.#engine.attend(delivery, handler, attendOptions);
    return replay === undefined ? settled(verdict, options) : replayed(verdict, replay, options);
  }

  async isDuplicate(delivery: Delivery<Topic>): Promise<boolean> {
    this.#requireOpen();
    const subject = subjectOf(this.#engine, delivery);
    if (subject.mode === "off") return false;
    const request: ClaimRequest = {
      key: requireKey(subject),
      token: this.#engine.tokens.next(),
      leaseMs: subject.policy.leaseMs,
      windowMs: subject.windowMs,
      origin: delivery.coordinates === undefined ? {} : { coordinates: delivery.coordinates },
      ...(subject.fingerprint === undefined ? undefined : { fingerprint: subject.fingerprint }),
    };
    const reply = await this.#store(async (store) => (await store.remember([request]))[0]);
    if (reply === undefined || reply.status === "error") throw storeError(reply?.error);
    if (reply.status === "conflict") throw conflictError(delivery);
    return reply.status === "duplicate" && subject.mode === "enforce";
  }

  inspect(delivery: Delivery<Topic>): Promise<KeyRecord | undefined> {
    return this.#store((store) => store.inspect(requireKey(subjectOf(this.#engine, delivery))));
  }

  forget(delivery: Delivery<Topic>, seen?: KeyRecord): Promise<boolean> {
    return this.#store((store) =>
      store.forget(requireKey(subjectOf(this.#engine, delivery)), seen),
    );
  }

  check(): Promise<readonly Finding[]> {
    return this.#store((store) => store.check());
  }

  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    const drainMs = requireInteger("close.drainMs", options.drainMs ?? 30_000, 0, 3_600_000);
    await this.#engine.close(drainMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #store<Reply>(call: (store: Store) => Promise<Reply>): Promise<Reply> {
    try {
      return await call(this.#engine.store);
    } catch (error) {
      throw OnlyOnceError.is(error) ? error : storeError(error);
    }
  }

  #requireOpen(): void {
    if (this.#engine.closing.aborted) throw closedError();
  }
}

/** The caller of `process` is the dead-letter path: it is told by the rejection. */
function leaveToCaller(): Promise<void> {
  return Promise.resolve();
}

function encode<Result>(codec: Codec<Result>, value: Result): Uint8Array {
  const bytes = codec.encode(value);
  if (bytes.byteLength > codec.maxBytes) {
    throw new RangeError(
      `a result of ${bytes.byteLength} bytes is over the codec's maxBytes of ${codec.maxBytes}`,
    );
  }
  return bytes;
}

function requireKey(subject: Subject): string {
  if (subject.key !== undefined) return subject.key;
  throw new OnlyOnceError(
    "ERR_ONLYONCE_KEY_MISSING",
    `no key strategy found a message key for a delivery on ${quote(subject.delivery.topic)}`,
    {
      retriable: false,
      ...(subject.keyError === undefined ? undefined : { cause: subject.keyError }),
    },
  );
}

function settled<Result>(verdict: Verdict<Result>, options: ProcessOptions): Settled<Result> {
  requireAckable(verdict, options);
  const { outcome, detail, value } = verdict;
  switch (outcome) {
    case "processed":
    case "unprotected":
      return {
        outcome,
        value: value as Result,
        ...(detail === undefined ? undefined : { detail }),
      };
    case "claim_lost":
      return "value" in verdict ? { outcome, value: value as Result } : { outcome };
    case "duplicate":
    case "busy":
    case "conflict":
      // In shadow mode the handler ran for these.
      if (detail === "shadow") return { outcome: "unprotected", value: value as Result, detail };
      return { outcome: "duplicate", origin: verdict.origin ?? {} };
    case "failed":
    case "store_error":
    case undefined:
      throw new Error(`a delivery that ended as ${String(outcome)} cannot be acked`);
  }
}

function replayed<Result>(
  verdict: Verdict<Result>,
  codec: Codec<Result>,
  options: ProcessOptions,
): Replayed<Result> {
  const { outcome } = settled(verdict, options);
  const stored = verdict.result;
  return { outcome, value: stored === undefined ? verdict.value : codec.decode(stored) };
}

/** Throws unless the message may be acked. */
function requireAckable(verdict: Verdict, options: ProcessOptions): void {
  const { error, retryAfterMs } = verdict;
  if (verdict.outcome === "failed") throw error;
  if (verdict.settlement === "ack" && error === undefined) return;
  if (verdict.settlement === "ack" && verdict.detail === "unrecorded") return;
  const after = retryAfterMs === undefined ? undefined : { retryAfterMs };
  if (verdict.settlement === "return") {
    if (options.signal?.aborted !== true) throw closedError();
    const cause: unknown = options.signal.reason;
    throw new OnlyOnceError("ERR_ONLYONCE_ABORTED", "the caller's signal aborted the wait", {
      cause,
    });
  }
  if (verdict.outcome === "store_error") throw storeError(error);
  if (error !== undefined) throw error;
  throw new OnlyOnceError(
    "ERR_ONLYONCE_BUSY",
    "the key is claimed by somebody else right now",
    after,
  );
}

function closedError(): OnlyOnceError {
  return new OnlyOnceError("ERR_ONLYONCE_CLOSED", "the deduplicator is closed");
}

function conflictError(delivery: Delivery): OnlyOnceError {
  return new OnlyOnceError(
    "ERR_ONLYONCE_CONFLICT",
    `another message with the same key was processed on ${quote(delivery.topic)}, but with a different payload`,
    { retriable: false },
  );
}

function storeError(cause: unknown): OnlyOnceError {
  if (OnlyOnceError.is(cause)) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new OnlyOnceError("ERR_ONLYONCE_STORE", `the store could not be used: ${message}`, {
    cause,
  });
}
