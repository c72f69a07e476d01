import { OnlyOnceError, type OutcomeEvent } from "@onlyonce/core";

const OTHER = "_OTHER";

/** The class of what a handler threw: few values, and never its message. */
function classOf(error: unknown): string {
  if (!(error instanceof Error)) return OTHER;
  const { name } = error.constructor;
  return name === "" ? OTHER : name;
}

/** Why the store did not answer. */
export function storeErrorType(error: unknown): string {
  for (let cause = error, depth = 0; depth < 4 && cause instanceof Error; depth += 1) {
    if (cause.name === "TimeoutError") return "store_timeout";
    if (Reflect.get(cause, "code") === "ETIMEDOUT") return "store_timeout";
    cause = cause.cause;
  }
  return OnlyOnceError.is(error) ? "store_unavailable" : OTHER;
}

/** Undefined: the delivery did not fail. A duplicate did not, and neither did one that is left to its owner. */
export function errorType({ outcome, detail, error }: OutcomeEvent): string | undefined {
  switch (outcome) {
    case "failed":
      return classOf(error);
    case "conflict":
      return "fingerprint_mismatch";
    case "claim_lost":
      return "claim_lost";
    case "store_error":
      return storeErrorType(error);
    case "unprotected":
      return error === undefined ? undefined : classOf(error);
    case "duplicate":
    case "busy":
      return detail === "shadow" && error !== undefined ? classOf(error) : undefined;
    case "processed":
      return undefined;
  }
}
