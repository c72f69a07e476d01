import type { Delivery } from "./delivery.js";
import { OnlyOnceError } from "./errors.js";
import { quote } from "./option-checks.js";
import type { Subject } from "./subject.js";

/** The key of a delivery that must have one. */
export function requireKey(subject: Subject): string {
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

export function closedError(): OnlyOnceError {
  return new OnlyOnceError("ERR_ONLYONCE_CLOSED", "the deduplicator is closed");
}

export function conflictError(delivery: Delivery): OnlyOnceError {
  return new OnlyOnceError(
    "ERR_ONLYONCE_CONFLICT",
    `another message with the same key was processed on ${quote(delivery.topic)}, but with a different payload`,
    { retriable: false },
  );
}

export function storeError(cause: unknown): OnlyOnceError {
  if (OnlyOnceError.is(cause)) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new OnlyOnceError("ERR_ONLYONCE_STORE", `the store could not be used: ${message}`, {
    cause,
  });
}
