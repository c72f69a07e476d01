import { expect, it } from "vitest";
import { createWorkload } from "../src/workload.js";
import { createWorkloads, PARTITIONS, type Pace } from "../src/workloads.js";

const PACE: Pace = { payments: [10, 20], orders: [1, 5], slowOrder: 4_000 };

it("the same seed gives the same workload, and another seed another one", () => {
  expect(createWorkloads(7, PACE)).toEqual(createWorkloads(7, PACE));
  expect(createWorkloads(8, PACE)).not.toEqual(createWorkloads(7, PACE));
});

it.each([0, 1, 2, 99, 0xffff_ffff])(
  "seed %i publishes 1,000 payments and 1,000 orders, about a twelfth of them again",
  (seed) => {
    const { payments, orders } = createWorkloads(seed, PACE);
    for (const copies of [payments, orders]) {
      expect(new Set(copies.map(({ task }) => task.id)).size).toBe(1_000);
      expect(new Set(copies.map(({ copyId }) => copyId)).size).toBe(copies.length);
      expect(copies.length).toBeGreaterThan(1_040);
      expect(copies.length).toBeLessThan(1_140);
    }
  },
);

it("every copy of a task is the same task, and comes after the one before it", () => {
  const { payments } = createWorkloads(3, PACE);
  const seen = new Map<string, number>();
  for (const { copyId, task } of payments) {
    const before = seen.get(task.id) ?? 0;
    expect(copyId).toBe(`${task.id}/${before + 1}`);
    seen.set(task.id, before + 1);
  }
});

it("exactly one order is slow, and the others take as long as asked", () => {
  const { orders, slowTaskId } = createWorkloads(3, PACE);
  const slow = orders.filter(({ task }) => task.workMs === PACE.slowOrder);
  expect(new Set(slow.map(({ task }) => task.id))).toEqual(new Set([slowTaskId]));
  for (const { task } of orders) {
    if (task.id === slowTaskId) continue;
    expect(task.workMs).toBeGreaterThanOrEqual(1);
    expect(task.workMs).toBeLessThanOrEqual(5);
  }
});

it("copies go to all partitions", () => {
  const { orders } = createWorkloads(3, PACE);
  const partitions = new Set(orders.map(({ place }) => Math.floor(place * PARTITIONS)));
  expect([...partitions].sort()).toEqual([0, 1, 2, 3, 4, 5]);
});

it("without a share of duplicates every task is published once", () => {
  const copies = createWorkload({
    kind: "payment",
    messages: 50,
    duplicateShare: 0,
    workMs: [1, 1],
    seed: 1,
  });
  expect(copies.map(({ copyId }) => copyId)).toEqual(copies.map(({ task }) => `${task.id}/1`));
  expect(copies).toHaveLength(50);
});
