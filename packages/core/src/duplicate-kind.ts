import type { Delivery, Origin } from "./delivery.js";

/** Who made the copy: the broker, which delivered one message again, or the producer, which published it again. */
export type DuplicateKind = "redelivery" | "republish" | "unknown";

/** The place that a log keeps a message at decides; without one, the broker's own word does. */
export function duplicateKind(delivery: Delivery, origin: Origin): DuplicateKind {
  const { coordinates, redelivered } = delivery;
  if (coordinates !== undefined && origin.coordinates !== undefined) {
    return coordinates === origin.coordinates ? "redelivery" : "republish";
  }
  if (redelivered === undefined) return "unknown";
  return redelivered ? "redelivery" : "republish";
}
