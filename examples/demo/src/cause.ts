import type { Arrival } from "./trace.js";

/** Why a task arrived although it had been worked on. */
export type Cause =
  /** The publisher sent it twice. */
  | "publisher"
  /** A consumer was killed after it had done the work and before the broker knew. */
  | "kill"
  /** Its partition moved before the broker knew that the work was done. */
  | "rebalance"
  /** The broker delivered it again for another reason, such as a lost connection. */
  | "other";

/**
 * A copy that nobody was done with before is a publication of its own: the publisher's duplicate. Otherwise the broker
 * delivered the same publication again, and what became of the consumer that had it says why.
 *
 * @param sameCopy All arrivals of the same copy.
 */
export function causeOf(
  arrival: Arrival,
  sameCopy: readonly Arrival[],
  killedAtMs: ReadonlyMap<string, number>,
  hasRebalances: boolean,
): Cause {
  const untilMs = arrival.doneAtMs ?? arrival.deliveredAtMs;
  let last: Arrival | undefined;
  for (const other of sameCopy) {
    if (other === arrival || other.doneAtMs === undefined || other.doneAtMs > untilMs) continue;
    if (last === undefined || other.deliveredAtMs >= last.deliveredAtMs) last = other;
  }
  if (last === undefined) return "publisher";
  const killed = killedAtMs.get(last.consumer);
  if (killed !== undefined && killed <= arrival.deliveredAtMs) return "kill";
  return hasRebalances ? "rebalance" : "other";
}
