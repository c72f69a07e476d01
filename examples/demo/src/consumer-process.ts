import type { Context, Observer } from "@onlyonce/core";
import {
  type Begun,
  type ConsumerSettings,
  fromEnvironment,
  type Order,
} from "./consumer-settings.js";
import { carryOut } from "./handler-work.js";
import { Journal, journalObserver } from "./journal.js";
import { Ledger } from "./ledger.js";
import { startTelemetry } from "./telemetry.js";
import { telemetryFiles } from "./telemetry-files.js";
import type { Task } from "./workload.js";

/** How long closing may take before this process ends all the same, in milliseconds. */
const CLOSE_LIMIT_MS = 15_000;

export const settings: ConsumerSettings = fromEnvironment();

/** Write down what happens here: for the audit, and with `--trace` for OpenTelemetry. */
export const observers: readonly Observer[] = [
  journalObserver(new Journal(settings.journal), settings.name),
  ...(settings.isTraced ? [startTelemetry(settings.name, telemetryFiles(settings.journal))] : []),
];

const worker = {
  name: settings.name,
  ledger: new Ledger(settings.ledger),
  onBegin({ id }: Task): void {
    const begun: Begun = { taskId: id };
    if (process.connected) process.send?.(begun);
  },
};

/** The work behind a payment or an order, and its one line in the ledger. */
export function perform(task: Task, context: Context): Promise<void> {
  return carryOut(worker, task, context);
}

/** Resolves when the supervisor says so. */
export function untilTold(order: Order): Promise<void> {
  return order === "join" ? join.promise : stop.promise;
}

const join = latch();
const stop = latch();
let hasJoined = false;
let isStopping = false;

process.on("message", (order: Order) => {
  if (order === "join") {
    hasJoined = true;
    join.open();
    return;
  }
  if (!hasJoined) process.exit(0);
  if (isStopping) return;
  isStopping = true;
  stop.open();
  setTimeout(() => process.exit(1), CLOSE_LIMIT_MS).unref();
  // Nothing but open connections keeps this process alive from now on.
  process.disconnect();
});
// Without its supervisor it has nobody to stop it.
process.on("disconnect", () => {
  if (!isStopping) process.exit(1);
});
// Ctrl-C reaches the whole terminal; the supervisor decides what becomes of it.
process.on("SIGINT", () => {});

function latch(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
