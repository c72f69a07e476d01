import type { Admission } from "./admission.js";
import type { Delivery, Origin } from "./delivery.js";
import { duplicateKind } from "./duplicate-kind.js";
import type { ClaimEvent } from "./observer.js";

/** Whether the store failed the claim, for good. */
export function isStoreError(admission: Admission): boolean {
  if (admission.kind === "unprotected") return admission.detail === "store_down";
  return admission.kind === "store_error";
}

/** What observers hear of an admission. Undefined: no claim came to anything, or none was asked for. */
export function claimEventOf(
  admission: Admission,
  delivery: Delivery,
  waitedMs: number,
): ClaimEvent | undefined {
  const event = resultOf(admission, delivery);
  return event === undefined || waitedMs === 0 ? event : { ...event, waitedMs };
}

function resultOf(admission: Admission, delivery: Delivery): ClaimEvent | undefined {
  switch (admission.kind) {
    case "granted": {
      const { attempt, previous } = admission;
      return previous === undefined
        ? { result: "acquired", attempt }
        : { result: "reclaimed", attempt, origin: previous };
    }
    case "shadowed":
      return refusal(admission.outcome, admission.origin, delivery);
    case "duplicate":
    case "busy":
    case "conflict":
      return refusal(admission.kind, admission.origin, delivery);
    case "store_error":
      return { result: "error", error: admission.error, failsOpen: false };
    case "unprotected":
      return isStoreError(admission)
        ? { result: "error", error: admission.error, failsOpen: true }
        : undefined;
    case "key_missing":
    case "returned":
      return undefined;
  }
}

function refusal(
  result: "duplicate" | "busy" | "conflict",
  origin: Origin,
  delivery: Delivery,
): ClaimEvent {
  return result === "conflict"
    ? { result, origin }
    : { result, origin, kind: duplicateKind(delivery, origin) };
}
