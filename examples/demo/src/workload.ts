import { randomFrom } from "./random.js";

/** A payment or an order, as it travels in the body of a message. */
export interface Task {
  readonly id: string;
  readonly amountCents: number;
  /** How long the work behind it takes, in milliseconds. */
  readonly workMs: number;
}

/** One publication of a task. A publisher that is not sure whether it got through publishes the task again. */
export interface Copy {
  /** Names this publication alone; travels in the header `copy-id`, for the audit only. */
  readonly copyId: string;
  readonly task: Task;
  /** In [0, 1): decides where the copy goes, so that the copies of a task may be worked on side by side. */
  readonly place: number;
}

export interface WorkloadOptions {
  readonly kind: "payment" | "order";
  readonly messages: number;
  /** Chance that a task is published once more; asked again after each copy. In [0, 1). */
  readonly duplicateShare: number;
  /** Shortest and longest work, in milliseconds. */
  readonly workMs: readonly [number, number];
  /** The task at this position takes this long instead. */
  readonly slow?: { readonly position: number; readonly workMs: number };
  readonly seed: number;
}

/** How far behind the original a second copy may come. */
const FARTHEST_COPY = 40;

/** All publications in the order of publishing. The same options give the same workload. */
export function createWorkload(options: WorkloadOptions): readonly Copy[] {
  const random = randomFrom(options.seed);
  const between = (least: number, most: number): number =>
    least + Math.floor(random() * (most - least + 1));
  const placed: { readonly copy: Copy; readonly position: number }[] = [];
  for (let position = 0; position < options.messages; position += 1) {
    const isSlow = options.slow?.position === position;
    const task: Task = {
      id: `${options.kind}-${String(position + 1).padStart(4, "0")}`,
      amountCents: between(100, 99_900),
      workMs: isSlow ? options.slow.workMs : between(...options.workMs),
    };
    let copies = 0;
    let offset = 0;
    do {
      copies += 1;
      const copy = { copyId: `${task.id}/${copies}`, task, place: random() };
      placed.push({ copy, position: position + offset });
      offset += between(1, FARTHEST_COPY);
    } while (random() < options.duplicateShare);
  }
  return placed.toSorted((a, b) => a.position - b.position).map(({ copy }) => copy);
}
