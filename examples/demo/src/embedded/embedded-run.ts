import { setTimeout as delay } from "node:timers/promises";
import { memoryStore, type Store } from "@onlyonce/core";
import { audit } from "../audit.js";
import { disturbOrders, disturbPayments } from "../disturbance.js";
import { Journal, readJournal } from "../journal.js";
import { Ledger, readLedger } from "../ledger.js";
import type { Progress } from "../progress.js";
import type { BrokerResult } from "../report.js";
import type { RunFolder } from "../run-folder.js";
import type { Copy } from "../workload.js";
import { createWorkloads, PARTITIONS, type Pace } from "../workloads.js";
import { MemoryLog } from "./memory-log.js";
import { MemoryQueue } from "./memory-queue.js";
import { SimulatedCrew, type SimulatedCrewOptions } from "./simulated-crew.js";

export interface EmbeddedOptions {
  readonly seed: number;
  readonly isOff: boolean;
  readonly folder: RunFolder;
  readonly progress: Progress;
  /** Called at once: there is nothing to wait for. */
  onReady(): void;
}

const PACE: Pace = { payments: [2, 14], orders: [1, 5], slowOrder: 900 };
const PREFETCH = 8;
/** After so long without a sign of life a consumer loses its partitions, in milliseconds. */
const SESSION_MS = 300;
const UPDATE_EVERY_MS = 100;

/** Both brokers and all consumers in this process, on the memory store. */
export async function runEmbedded(options: EmbeddedOptions): Promise<readonly BrokerResult[]> {
  options.onReady();
  const { payments, orders, slowTaskId } = createWorkloads(options.seed, PACE);
  const store = memoryStore();
  let failed = (_error: unknown): void => {};
  const failure = new Promise<never>((_resolve, reject) => {
    failed = reject;
  });
  const paymentsRun = simulatePayments(options, store, payments, failed);
  const ordersRun = simulateOrders(options, store, orders, slowTaskId, failed);
  const show = setInterval(() => {
    const part = ({ crew }: Simulation): string => `${Math.round(crew.progress() * 100)} %`;
    options.progress.update(`payments ${part(paymentsRun)} · orders ${part(ordersRun)}`);
  }, UPDATE_EVERY_MS);
  try {
    return await Promise.race([Promise.all([paymentsRun.result, ordersRun.result]), failure]);
  } finally {
    clearInterval(show);
    await store.close();
  }
}

interface Simulation {
  readonly crew: SimulatedCrew;
  readonly result: Promise<BrokerResult>;
}

type Fail = (error: unknown) => void;

function simulatePayments(
  options: EmbeddedOptions,
  store: Store,
  published: readonly Copy[],
  fail: Fail,
): Simulation {
  const queue = new MemoryQueue(published);
  const crew = new SimulatedCrew({
    ...common(options, "payments", store, published),
    left: () => queue.left,
    onChange(consumers) {
      for (const consumer of consumers) queue.consume(consumer, PREFETCH).catch(fail);
    },
    onKilled: (consumer) => queue.disconnect(consumer),
  });
  const result = async (): Promise<BrokerResult> => {
    const startedAtMs = performance.now();
    crew.start(["payments-1", "payments-2", "payments-3"]);
    await drained(queue, disturbPayments(crew));
    const seconds = (performance.now() - startedAtMs) / 1_000;
    await crew.close();
    const audit = audited(options, "payments", published, false);
    return { broker: "rabbitmq", seconds, left: queue.left, audit };
  };
  return { crew, result: result() };
}

function simulateOrders(
  options: EmbeddedOptions,
  store: Store,
  published: readonly Copy[],
  slowTaskId: string,
  fail: Fail,
): Simulation {
  const log = new MemoryLog(published, PARTITIONS);
  const crew = new SimulatedCrew({
    ...common(options, "orders", store, published),
    left: () => log.left,
    onChange(members) {
      log.rebalance(members).catch(fail);
    },
    onKilled(_consumer, members) {
      delay(SESSION_MS)
        .then(() => log.rebalance(members))
        .catch(fail);
    },
  });
  const result = async (): Promise<BrokerResult> => {
    const startedAtMs = performance.now();
    crew.start(["orders-1", "orders-2", "orders-3"]);
    await drained(log, disturbOrders(crew, { slowTaskId, joiner: "orders-4" }));
    const seconds = (performance.now() - startedAtMs) / 1_000;
    await crew.close();
    const audit = audited(options, "orders", published, true);
    return { broker: "kafka", seconds, left: log.left, audit };
  };
  return { crew, result: result() };
}

function common(
  { isOff, folder, progress }: EmbeddedOptions,
  topic: string,
  store: Store,
  published: readonly Copy[],
): Omit<SimulatedCrewOptions, "left" | "onChange" | "onKilled"> {
  return {
    topic,
    isOff,
    store,
    progress,
    journal: new Journal(folder.journal(topic)),
    ledger: new Ledger(folder.ledger(topic)),
    published: published.length,
  };
}

/** Until the broker has nothing left. Rejects if that was so before everything that was planned had happened. */
async function drained(
  broker: { readonly left: number },
  disturbance: Promise<void>,
): Promise<void> {
  let isDisturbed = false;
  const disturbed = disturbance.then(() => {
    isDisturbed = true;
  });
  await Promise.race([disturbed, untilEmpty(broker)]);
  if (!isDisturbed) throw new Error("the work was done before a consumer could be killed");
  await untilEmpty(broker);
}

async function untilEmpty(broker: { readonly left: number }): Promise<void> {
  while (broker.left > 0) await delay(5);
}

function audited(
  { folder }: EmbeddedOptions,
  topic: string,
  published: readonly Copy[],
  hasRebalances: boolean,
): BrokerResult["audit"] {
  return audit({
    published,
    ledger: readLedger(folder.ledger(topic)),
    journal: readJournal(folder.journal(topic)),
    hasRebalances,
  });
}
