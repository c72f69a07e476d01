import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "@onlyonce/core";
import { currentDelivery } from "./journal.js";
import type { Ledger } from "./ledger.js";
import type { Task } from "./workload.js";

export interface Worker {
  readonly name: string;
  readonly ledger: Pick<Ledger, "append">;
  /** Told when the work on a task begins. */
  onBegin(task: Task): void;
}

/** What the handlers of this demo do: some work, and then the effect that must happen once per task. */
export async function carryOut(worker: Worker, task: Task, context: Context): Promise<void> {
  const delivery = currentDelivery();
  worker.onBegin(task);
  await delay(task.workMs);
  worker.ledger.append({
    id: task.id,
    consumer: worker.name,
    pid: process.pid,
    delivery,
    attempt: context.attempt,
    atMs: Date.now(),
  });
}
