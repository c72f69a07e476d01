import { type Clock, systemClock } from "./clock.js";
import type { Delivery, Origin } from "./delivery.js";
import { Engine } from "./engine.js";
import { GuardedDeduplicator } from "./guarded-deduplicator.js";
import type { DeadLetterReason, Handler } from "./handler.js";
import type { Observer } from "./observer.js";
import { quote, refuseUnknown, requireObject } from "./option-checks.js";
import type { OutcomeDetail } from "./outcome.js";
import type { TopicPolicy } from "./policy.js";
import type { Codec } from "./replay.js";
import type { Finding, KeyRecord, Store } from "./store.js";
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
  checkReplicas(store, policies);
  checkKept(store, policies);
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

function checkReplicas({ maxReplicaWaitMs }: Store, policies: TopicPolicies): void {
  for (const { replicas } of policies.all()) {
    if (replicas === undefined) continue;
    if (maxReplicaWaitMs === undefined) {
      throw new RangeError(
        `replicas must be left out, got ${quote(replicas)}: the store can't wait for replicas`,
      );
    }
    if (replicas.timeoutMs > maxReplicaWaitMs) {
      throw new RangeError(
        `replicas.timeoutMs must be at most the store's maxReplicaWaitMs (${maxReplicaWaitMs}), got ${quote(replicas.timeoutMs)}`,
      );
    }
  }
}

function checkKept({ completedRecords, maxWindowMs }: Store, policies: TopicPolicies): void {
  for (const { fingerprint, windowMs } of policies.all()) {
    if (completedRecords === "bare" && fingerprint !== undefined) {
      throw new RangeError(
        "fingerprint must be left out: the store keeps of a completed key nothing but the fact, so that conflicts can't be seen",
      );
    }
    if (maxWindowMs !== undefined && windowMs > maxWindowMs) {
      throw new RangeError(
        `windowMs must be at most the store's maxWindowMs (${maxWindowMs}), got ${quote(windowMs)}`,
      );
    }
  }
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
