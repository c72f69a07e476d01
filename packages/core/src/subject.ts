import type { Delivery } from "./delivery.js";
import type { Engine } from "./engine.js";
import type { KeyStrategy } from "./key-strategy.js";
import type { MessageKey } from "./message-key.js";
import { isMode, isWindow, type Mode, type ResolvedPolicy } from "./policy.js";

/** A delivery with everything that is worked out once, when it arrives: a handler that mutates the message changes nothing. */
export interface Subject {
  readonly delivery: Delivery;
  readonly policy: ResolvedPolicy;
  readonly mode: Mode;
  /** Digest of scope, topic and message key. Undefined: no strategy found a key, or it threw. */
  readonly key: string | undefined;
  readonly messageKey: MessageKey | undefined;
  readonly keyError: unknown;
  readonly fingerprint: string | undefined;
  /** By the further rules of the topic; a record that has one of them is no conflict. */
  readonly furtherFingerprints: readonly string[];
  readonly windowMs: number;
}

export function subjectOf(engine: Engine, delivery: Delivery): Subject {
  const policy = engine.policies.of(delivery.topic);
  const mode = currentMode(policy);
  let key: string | undefined;
  let messageKey: MessageKey | undefined;
  let keyError: unknown;
  try {
    messageKey = policy.key(delivery);
    key = engine.digestOf(delivery.topic, messageKey);
  } catch (error) {
    keyError = error;
  }
  const fingerprint = fingerprintOf(engine, delivery, policy.fingerprint);
  const furtherFingerprints =
    fingerprint === undefined || policy.furtherFingerprints.length === 0
      ? NONE
      : fingerprintsOf(engine, delivery, policy.furtherFingerprints);
  const windowMs = windowOf(engine, delivery, policy);
  return {
    delivery,
    policy,
    mode,
    key,
    messageKey,
    keyError,
    fingerprint,
    furtherFingerprints,
    windowMs,
  };
}

const NONE: readonly string[] = [];

/** A rule without a fingerprint for this delivery is left out: asked for without one, every record would match. */
function fingerprintsOf(
  engine: Engine,
  delivery: Delivery,
  rules: readonly KeyStrategy[],
): readonly string[] {
  return rules
    .map((rule) => fingerprintOf(engine, delivery, rule))
    .filter((fingerprint) => fingerprint !== undefined);
}

/** A fingerprint that can't be had is reported, and the delivery is guarded by its key alone. */
function fingerprintOf(
  engine: Engine,
  delivery: Delivery,
  rule: KeyStrategy | undefined,
): string | undefined {
  try {
    return engine.fingerprintOf(rule?.(delivery));
  } catch (error) {
    engine.observers.incident({ kind: "fingerprint_failed", delivery, error });
    return undefined;
  }
}

/** A switch that throws or answers nonsense leaves the guard on. */
function currentMode(policy: ResolvedPolicy): Mode {
  if (typeof policy.mode === "string") return policy.mode;
  try {
    const mode: unknown = policy.mode();
    return isMode(mode) ? mode : "enforce";
  } catch {
    return "enforce";
  }
}

function windowOf(engine: Engine, delivery: Delivery, policy: ResolvedPolicy): number {
  if (policy.windowOf === undefined) return policy.windowMs;
  try {
    const windowMs: unknown = policy.windowOf(delivery);
    if (windowMs === undefined) return policy.windowMs;
    const { maxWindowMs = Number.POSITIVE_INFINITY } = engine.store;
    if (isWindow(windowMs, policy.ackTimeoutMs) && windowMs <= maxWindowMs) return windowMs;
    engine.observers.incident({ kind: "window_invalid", delivery });
  } catch (error) {
    engine.observers.incident({ kind: "window_invalid", delivery, error });
  }
  return policy.windowMs;
}
