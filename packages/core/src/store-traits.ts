import type { Store } from "./store.js";

/** What a store says of itself, beside what it does. */
export type StoreTraits = Pick<
  Store,
  "system" | "commandTimeoutMs" | "maxReplicaWaitMs" | "completedRecords" | "maxWindowMs"
>;

/** The traits that a store has; what stands before it has them too, but for those that it changes. */
export function traitsOf(store: Store): StoreTraits {
  const { system, commandTimeoutMs, maxReplicaWaitMs, completedRecords, maxWindowMs } = store;
  return {
    ...(system !== undefined && { system }),
    ...(commandTimeoutMs !== undefined && { commandTimeoutMs }),
    ...(maxReplicaWaitMs !== undefined && { maxReplicaWaitMs }),
    ...(completedRecords !== undefined && { completedRecords }),
    ...(maxWindowMs !== undefined && { maxWindowMs }),
  };
}
