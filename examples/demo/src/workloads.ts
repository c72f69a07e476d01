import { type Copy, createWorkload } from "./workload.js";

export const PARTITIONS = 6;

const MESSAGES = 1_000;
const DUPLICATE_SHARE = 0.08;
/** Where the slow order is: early, so that much is left to do when it is over. */
const SLOW_POSITION = 100;

/** How long the work takes, in milliseconds. */
export interface Pace {
  readonly payments: readonly [number, number];
  readonly orders: readonly [number, number];
  readonly slowOrder: number;
}

export interface Workloads {
  readonly payments: readonly Copy[];
  readonly orders: readonly Copy[];
  readonly slowTaskId: string;
}

/** What is published: 1,000 payments and 1,000 orders, some of them more than once, and one slow order among them. */
export function createWorkloads(seed: number, pace: Pace): Workloads {
  const shared = { messages: MESSAGES, duplicateShare: DUPLICATE_SHARE };
  const slow = { position: SLOW_POSITION, workMs: pace.slowOrder };
  const orders = createWorkload({
    ...shared,
    kind: "order",
    workMs: pace.orders,
    slow,
    seed: ~seed,
  });
  return {
    payments: createWorkload({ ...shared, kind: "payment", workMs: pace.payments, seed }),
    orders,
    slowTaskId: orders.find(({ task }) => task.workMs === pace.slowOrder)?.task.id ?? "",
  };
}
