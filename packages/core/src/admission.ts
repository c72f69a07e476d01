import type { AttendOptions } from "./attend.js";
import { claimByFurtherRules, claimOnce } from "./claim-call.js";
import { afterClaim, busyPollMs, isExhausted, storeRetryMs } from "./decide.js";
import type { Origin } from "./delivery.js";
import type { Engine } from "./engine.js";
import { OnlyOnceError } from "./errors.js";
import type { Lease } from "./lease-keeper.js";
import { Patience } from "./patience.js";
import type { ClaimReply, ClaimRequest, Held, StoreFailure } from "./store.js";
import type { Subject } from "./subject.js";

/** Whether, and how, a delivery may run. */
export type Admission =
  | {
      readonly kind: "granted";
      readonly lease: Lease;
      readonly attempt: number;
      /** A lapse was seen: the start must be marked. */
      readonly suspect: boolean;
      /** It failed, or killed its process, as often as it may: it must not run. */
      readonly exhausted: boolean;
      /** The former run ended in a lapse, not in a failure. */
      readonly takeover: boolean;
      /** Who held it before, where somebody did. */
      readonly previous: Origin | undefined;
    }
  | {
      readonly kind: "unprotected";
      readonly detail: "key_missing" | "off" | "store_down";
      /** A claim that may have been executed although its answer was never seen. */
      readonly unanswered?: ClaimRequest;
      readonly error?: unknown;
    }
  /** Mode `shadow`: it runs all the same. */
  | {
      readonly kind: "shadowed";
      readonly outcome: "duplicate" | "busy" | "conflict";
      readonly origin: Origin;
    }
  | { readonly kind: "duplicate"; readonly origin: Origin; readonly result?: Uint8Array }
  | { readonly kind: "conflict"; readonly origin: Origin }
  | { readonly kind: "busy"; readonly origin: Origin; readonly retryAfterMs: number }
  | { readonly kind: "store_error"; readonly error: unknown }
  | { readonly kind: "key_missing"; readonly error: unknown }
  | { readonly kind: "returned" };

/** A claim whose second try is not answered either is given up at once where the policy is to process without a store. */
const TRIES_BEFORE_FAIL_OPEN = 2;

/** Claims the key of a delivery, waiting in place while it is busy or the store is down. The caller has taken the local key. */
export async function admit(
  engine: Engine,
  subject: Subject,
  key: string,
  patience: Patience,
): Promise<Admission> {
  const { policy, mode } = subject;
  let request = requestFor(engine, subject, key);
  let polls = 0;
  let unanswered = 0;
  let isRecorded = false;
  for (;;) {
    if (patience.isStopped) return giveUp(engine, request, unanswered, { kind: "returned" });
    let sentAtMs = engine.clock.nowMs();
    let reply = await claimOnce(engine, request);
    if (reply.status === "conflict" && subject.furtherFingerprints.length > 0) {
      isRecorded = true;
      const asked = { reply, sentAtMs };
      ({ reply, sentAtMs } = await claimByFurtherRules(engine, subject, request, asked));
    }
    switch (afterClaim(reply.status)) {
      case "run":
        return granted(engine, subject, request, reply, sentAtMs);
      case "draw_new_token":
        request = requestFor(engine, subject, key);
        break;
      case "refuse":
        return refused(subject, reply);
      case "wait": {
        if (reply.status !== "busy") break;
        if (mode === "shadow") return { kind: "shadowed", outcome: "busy", origin: reply.origin };
        unanswered = 0;
        const goesOn = await patience.wait("busy", busyPollMs(polls, reply.leaseLeftMs));
        polls += 1;
        if (goesOn) break;
        if (patience.isStopped) return { kind: "returned" };
        return { kind: "busy", origin: reply.origin, retryAfterMs: reply.leaseLeftMs };
      }
      case "store_down": {
        const error = reply.status === "error" ? reply.error : undefined;
        unanswered += 1;
        const isDown = reply.status === "error" && mayBeDown(reply);
        // Never open where the store has just said that the key is completed, by whichever rule.
        const failsOpen = policy.onStoreDown === "process" && !isRecorded;
        const mayFailOpen = isDown && (failsOpen || mode === "shadow");
        if (mayFailOpen && unanswered >= TRIES_BEFORE_FAIL_OPEN) {
          return { kind: "unprotected", detail: "store_down", unanswered: request, error };
        }
        if (mayFailOpen) break;
        const goesOn = isDown && (await patience.wait("store", storeRetryMs(unanswered - 1)));
        if (goesOn) break;
        const end: Admission = patience.isStopped
          ? { kind: "returned" }
          : { kind: "store_error", error };
        return giveUp(engine, request, unanswered, end);
      }
    }
  }
}

export function patienceFor(engine: Engine, subject: Subject, options: AttendOptions): Patience {
  return new Patience(engine.clock, {
    busyWaitMs: options.busyWaitMs ?? subject.policy.busyWaitMs,
    storeWaitMs: options.storeWaitMs ?? subject.policy.busyWaitMs,
    enterWait: options.enterWait,
    closing: engine.closing,
    signal: options.signal,
  });
}

/** The claim of a delivery, with a token of its own. */
export function requestFor(engine: Engine, subject: Subject, key: string): ClaimRequest {
  const traceparent = engine.observers.traceparent(subject);
  const coordinates = subject.delivery.coordinates;
  const { replicas } = subject.policy;
  const request: ClaimRequest = {
    key,
    token: engine.tokens.next(),
    leaseMs: subject.policy.leaseMs,
    windowMs: subject.windowMs,
    origin: originOf(traceparent, coordinates),
    ...(subject.fingerprint !== undefined && { fingerprint: subject.fingerprint }),
  };
  return replicas === undefined ? request : { ...request, replicas };
}

const NOWHERE: Origin = {};

/** Written out: spreads are felt where every message passes. */
function originOf(traceparent: string | undefined, coordinates: string | undefined): Origin {
  if (traceparent === undefined) return coordinates === undefined ? NOWHERE : { coordinates };
  return coordinates === undefined ? { traceparent } : { traceparent, coordinates };
}

/** A record that can't be read, and a store that its owner closed, are no outage: they never fail open. */
function mayBeDown({ unreadable, error }: StoreFailure): boolean {
  const isClosed = OnlyOnceError.is(error) && error.code === "ERR_ONLYONCE_CLOSED";
  return unreadable !== true && !isClosed;
}

export function granted(
  engine: Engine,
  subject: Subject,
  request: ClaimRequest,
  reply: ClaimReply,
  sentAtMs: number,
): Admission {
  if (reply.status !== "acquired" && reply.status !== "reclaimed") {
    throw new Error(`a claim answered ${reply.status} grants nothing`);
  }
  const { grant, attempt, suspect } = reply;
  const lease = engine.leases.hold(heldOf(request, grant), sentAtMs);
  const exhausted = isExhausted(attempt, subject.policy.maxAttempts);
  const takeover = reply.status === "reclaimed" ? reply.takeover : suspect;
  const previous = reply.status === "reclaimed" ? reply.previous : undefined;
  return { kind: "granted", lease, attempt, suspect, exhausted, takeover, previous };
}

/** Written out: a spread with one more property leaves so much to the collector that every message feels it. */
function heldOf(request: ClaimRequest, grant: number): Held {
  const { key, token, leaseMs, windowMs, origin, fingerprint, replicas } = request;
  if (replicas !== undefined) return { ...request, grant };
  return fingerprint === undefined
    ? { key, token, leaseMs, windowMs, origin, grant }
    : { key, token, leaseMs, windowMs, origin, fingerprint, grant };
}

export function refused(subject: Subject, reply: ClaimReply): Admission {
  if (reply.status !== "duplicate" && reply.status !== "conflict") {
    throw new Error(`a claim answered ${reply.status} refuses nothing`);
  }
  const { origin } = reply;
  if (subject.mode === "shadow") return { kind: "shadowed", outcome: reply.status, origin };
  if (reply.status === "conflict") return { kind: "conflict", origin };
  return {
    kind: "duplicate",
    origin,
    ...(reply.result === undefined ? undefined : { result: reply.result }),
  };
}

/** A claim given up without an answer may have been executed: it is released by its token, which is dead then. */
function giveUp(
  engine: Engine,
  request: ClaimRequest,
  unanswered: number,
  end: Admission,
): Admission {
  if (unanswered > 0) {
    engine.inBackground(engine.store.release([{ ...request, as: "unstarted" }]));
  }
  return end;
}
