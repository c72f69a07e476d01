import { cloudEvent } from "./cloud-event.js";
import type { Delivery } from "./delivery.js";
import { firstOf, header, messageId } from "./key-strategies.js";
import type { KeyStrategy } from "./key-strategy.js";
import {
  LONGEST_TIMER_MS,
  quote,
  refuseUnknown,
  requireFunction,
  requireInteger,
  requireObject,
  requireOneOf,
} from "./option-checks.js";
import type { ReplicaWait } from "./store.js";

/** `enforce` guards; `shadow` runs everything and reports what it would have dropped; `off` passes through without the store. */
export type Mode = "enforce" | "shadow" | "off";

/** How the messages of a topic are guarded. What a topic leaves out comes from `defaults`, then from the library. */
export interface TopicPolicy {
  /**
   * What makes two deliveries the same message.
   * @defaultValue the header `idempotency-key`, else the message id, else CloudEvents source and id
   */
  readonly key?: KeyStrategy;
  /**
   * Same key but another fingerprint is a `conflict`. Default: none, equal keys are equal messages.
   *
   * A list of 1 to 4 strategies changes the rule while processes of both deployments run: new records carry the
   * fingerprint of the first one, and a record that matches any of the others is no conflict either. Deploy
   * `[old, now]` everywhere, then `[now, old]`, and `now` alone one window later. All of them are computed for every
   * delivery; the store is asked once more for each further one only where there would be a conflict.
   */
  readonly fingerprint?: KeyStrategy | readonly [KeyStrategy, ...KeyStrategy[]];
  /**
   * How long the broker waits before it gives the message to somebody else, in milliseconds (1 to 2,147,483,647).
   * @defaultValue 1_800_000 (RabbitMQ's `consumer_timeout`; conservative for Kafka)
   */
  readonly ackTimeoutMs?: number;
  /**
   * How long a completed key is remembered, in milliseconds, counted from completion; at least 5 and at least
   * 2 × `ackTimeoutMs`. As a function it is asked per delivery: `undefined` or an invalid value use the topic's number.
   * @defaultValue max(24 h, ackTimeoutMs × maxAttempts)
   */
  readonly windowMs?: number | ((delivery: Delivery) => number | undefined);
  /**
   * How long a claim lasts without renewal, in milliseconds; at most ackTimeoutMs / 2, renewed every third of it.
   * After a crash the message waits at most this long.
   * @defaultValue min(30_000, ackTimeoutMs / 2)
   */
  readonly leaseMs?: number;
  /**
   * How long a delivery waits in place for a key that somebody else has claimed, in milliseconds; below ackTimeoutMs / 2.
   * @defaultValue min(5_000, ackTimeoutMs / 4)
   */
  readonly busyWaitMs?: number;
  /**
   * How often the handler is tried before the message counts as poison (1 to 1,000). Keep it below RabbitMQ's delivery limit of 20.
   * @defaultValue 10
   */
  readonly maxAttempts?: number;
  /** Store unavailable: `wait` hands the message back (fail closed); `process` runs it without a claim. @defaultValue "wait" */
  readonly onStoreDown?: "wait" | "process";
  /**
   * A claim counts only when `min` replicas (1 to 100) of the store's server have it, and so does a completion; each is
   * waited for up to `timeoutMs`. Narrows what a failover can forget, and costs a further call for each claim and
   * completion. Without enough replicas a claim is an unavailable store (`onStoreDown`), and a completion is retried while
   * the lease lives, then acked and reported as `unrecorded`. Only for stores with replicas.
   * @defaultValue none: a change counts as soon as the server has it
   */
  readonly replicas?: ReplicaWait;
  /** No message key: `process` runs it unprotected; `reject` takes the dead-letter path. @defaultValue "process" */
  readonly onMissingKey?: "process" | "reject";
  /** A function is asked per delivery: a switch that needs no redeploy. @defaultValue "enforce" */
  readonly mode?: Mode | (() => Mode);
}

export interface ResolvedPolicy {
  readonly key: KeyStrategy;
  readonly fingerprint: KeyStrategy | undefined;
  /** Fingerprints of other deployments: a record that matches one of these is no conflict. */
  readonly furtherFingerprints: readonly KeyStrategy[];
  readonly ackTimeoutMs: number;
  readonly windowMs: number;
  readonly windowOf: ((delivery: Delivery) => number | undefined) | undefined;
  readonly leaseMs: number;
  readonly busyWaitMs: number;
  readonly maxAttempts: number;
  /** Renewal stops and the signal aborts after so long in the handler. */
  readonly maxProcessingMs: number;
  readonly onStoreDown: "wait" | "process";
  readonly replicas: ReplicaWait | undefined;
  readonly onMissingKey: "process" | "reject";
  readonly mode: Mode | (() => Mode);
}

const OPTIONS = [
  "key",
  "fingerprint",
  "ackTimeoutMs",
  "windowMs",
  "leaseMs",
  "busyWaitMs",
  "maxAttempts",
  "onStoreDown",
  "replicas",
  "onMissingKey",
  "mode",
] as const satisfies readonly (keyof TopicPolicy)[];

const MAX_FINGERPRINTS = 4;
const MODES = ["enforce", "shadow", "off"] as const;
const DAY_MS = 86_400_000;
const LONGEST_WINDOW_MS = 3_650 * DAY_MS;
const defaultKey: KeyStrategy = firstOf(header("idempotency-key"), messageId(), cloudEvent());

/** A number that a per-message window may have. */
export function isWindow(value: unknown, ackTimeoutMs: number): value is number {
  return (
    typeof value === "number" &&
    Number.isSafeInteger(value) &&
    value >= Math.max(5, 2 * ackTimeoutMs) &&
    value <= LONGEST_WINDOW_MS
  );
}

export function isMode(value: unknown): value is Mode {
  return MODES.some((mode) => mode === value);
}

/** Checks the options that are present, each by itself. `where` names the place in errors, such as `topics.payments`. */
export function checkPolicy(where: string, policy: unknown): asserts policy is TopicPolicy {
  requireObject(where, policy);
  refuseUnknown(where, policy, OPTIONS);
  const given = (name: keyof TopicPolicy): boolean => policy[name] !== undefined;
  if (given("key")) requireFunction(`${where}.key`, policy.key);
  if (given("fingerprint")) requireRules(`${where}.fingerprint`, policy.fingerprint);
  for (const name of ["ackTimeoutMs", "leaseMs", "busyWaitMs"] as const) {
    if (given(name)) requireInteger(`${where}.${name}`, policy[name], 1, LONGEST_TIMER_MS);
  }
  if (given("windowMs") && typeof policy.windowMs !== "function") {
    requireInteger(`${where}.windowMs`, policy.windowMs, 5, LONGEST_WINDOW_MS);
  }
  if (given("maxAttempts")) requireInteger(`${where}.maxAttempts`, policy.maxAttempts, 1, 1000);
  if (given("onStoreDown"))
    requireOneOf(`${where}.onStoreDown`, policy.onStoreDown, ["wait", "process"]);
  if (given("replicas")) requireReplicas(`${where}.replicas`, policy.replicas);
  if (given("onMissingKey"))
    requireOneOf(`${where}.onMissingKey`, policy.onMissingKey, ["process", "reject"]);
  if (given("mode") && typeof policy.mode !== "function")
    requireOneOf(`${where}.mode`, policy.mode, MODES);
}

function requireReplicas(name: string, value: unknown): void {
  requireObject(name, value);
  refuseUnknown(name, value, ["min", "timeoutMs"]);
  requireInteger(`${name}.min`, value.min, 1, 100);
  requireInteger(`${name}.timeoutMs`, value.timeoutMs, 1, LONGEST_TIMER_MS);
}

function requireRules(name: string, value: unknown): void {
  if (!Array.isArray(value)) {
    requireFunction(name, value);
    return;
  }
  if (value.length === 0 || value.length > MAX_FINGERPRINTS) {
    throw new RangeError(
      `${name} must be a function or a list of 1 to ${MAX_FINGERPRINTS} functions, got a list of ${value.length}`,
    );
  }
  for (const [index, rule] of value.entries()) requireFunction(`${name}[${index}]`, rule);
}

function rulesOf(fingerprint: TopicPolicy["fingerprint"]): readonly KeyStrategy[] {
  if (fingerprint === undefined) return [];
  return typeof fingerprint === "function" ? [fingerprint] : fingerprint;
}

function definedOf(policy: TopicPolicy): TopicPolicy {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
}

/** Merges a topic's policy over the defaults and checks the rules that cross options. Both must have passed `checkPolicy`. */
export function resolvePolicy(
  where: string,
  defaults: TopicPolicy,
  topic: TopicPolicy,
): ResolvedPolicy {
  const merged: TopicPolicy = { ...definedOf(defaults), ...definedOf(topic) };
  const ackTimeoutMs = merged.ackTimeoutMs ?? 1_800_000;
  const leaseMs = merged.leaseMs ?? Math.max(1, Math.min(30_000, Math.floor(ackTimeoutMs / 2)));
  const busyWaitMs = merged.busyWaitMs ?? Math.min(5_000, Math.floor(ackTimeoutMs / 4));
  const maxAttempts = merged.maxAttempts ?? 10;
  const windowOf = typeof merged.windowMs === "function" ? merged.windowMs : undefined;
  const fallback = typeof defaults.windowMs === "number" ? defaults.windowMs : undefined;
  const windowMs =
    (typeof merged.windowMs === "number" ? merged.windowMs : fallback) ??
    Math.max(DAY_MS, ackTimeoutMs * maxAttempts);
  if (leaseMs > ackTimeoutMs / 2) {
    throw new RangeError(
      `${where}.leaseMs must be at most half of ackTimeoutMs (${quote(ackTimeoutMs)}), got ${quote(leaseMs)}: the broker would redeliver before a crashed owner's lease lapses twice`,
    );
  }
  if (busyWaitMs >= ackTimeoutMs / 2) {
    throw new RangeError(
      `${where}.busyWaitMs must be below half of ackTimeoutMs (${quote(ackTimeoutMs)}), got ${quote(busyWaitMs)}`,
    );
  }
  if (windowMs < 2 * ackTimeoutMs) {
    throw new RangeError(
      `${where}.windowMs must be at least 2 × ackTimeoutMs (2 × ${quote(ackTimeoutMs)}), got ${quote(windowMs)}: a redelivery after the window would run again`,
    );
  }
  const [fingerprint, ...furtherFingerprints] = rulesOf(merged.fingerprint);
  return {
    key: merged.key ?? defaultKey,
    fingerprint,
    furtherFingerprints,
    ackTimeoutMs,
    windowMs,
    windowOf,
    leaseMs,
    busyWaitMs,
    maxAttempts,
    maxProcessingMs: Math.max(Math.floor(ackTimeoutMs / 2), ackTimeoutMs - 90_000),
    onStoreDown: merged.onStoreDown ?? "wait",
    replicas: merged.replicas,
    onMissingKey: merged.onMissingKey ?? "process",
    mode: merged.mode ?? "enforce",
  };
}
