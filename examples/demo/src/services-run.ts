import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { findServices } from "@onlyonce/test/servers";
import { Redis } from "ioredis";
import { BrokerRun } from "./broker-run.js";
import { removeKeys } from "./claim-keys.js";
import type { Cleanup } from "./cleanup.js";
import { disturbOrders, disturbPayments } from "./disturbance.js";
import { Journal } from "./journal.js";
import { OrdersTopic } from "./orders-topic.js";
import { PaymentsQueue } from "./payments-queue.js";
import type { Progress } from "./progress.js";
import type { BrokerResult } from "./report.js";
import type { RunFolder } from "./run-folder.js";
import { createWorkloads, PARTITIONS, type Pace } from "./workloads.js";

export interface ServicesRunOptions {
  readonly seed: number;
  readonly isOff: boolean;
  readonly isTraced: boolean;
  readonly folder: RunFolder;
  readonly progress: Progress;
  /** Gets everything that must be undone. */
  readonly cleanup: Cleanup;
  /** Called when all services answer. */
  onReady(): void;
}

const PACE: Pace = { payments: [60, 140], orders: [15, 45], slowOrder: 4_500 };
const JOINER = "orders-4";
const UPDATE_EVERY_MS = 200;

/** Real brokers, real Redis, and consumers in processes of their own. */
export async function runOnServices(options: ServicesRunOptions): Promise<readonly BrokerResult[]> {
  const { folder, progress, cleanup, isOff, isTraced } = options;
  const report = (line: string): void => progress.say(line);
  const { services, stop } = await findServices(["redis", "rabbitmq", "kafka"], { report });
  cleanup.add(stop);
  options.onReady();

  const run = randomBytes(4).toString("hex");
  const keyPrefix = `demo-${run}:`;
  const redisUrl = services.redis.endpoint;
  const redis = new Redis(redisUrl, { lazyConnect: true });
  redis.on("error", () => {
    // Told by the command that fails because of it.
  });
  cleanup.add(async () => redis.disconnect());
  cleanup.add(() => removeKeys(redis, keyPrefix));

  const log = openSync(folder.clientLog, "a");
  cleanup.add(async () => closeSync(log));
  const { payments, orders, slowTaskId } = createWorkloads(options.seed, PACE);
  const queue = await PaymentsQueue.create(services.rabbitmq.endpoint, `demo-payments-${run}`);
  cleanup.add(() => queue.remove());
  const topic = await OrdersTopic.create({
    brokers: services.kafka.endpoint,
    source: `demo-orders-${run}`,
    group: `demo-orders-${run}`,
    partitions: PARTITIONS,
    clientLog: folder.clientLog,
  });
  cleanup.add(() => topic.remove());

  const journalPath = (owner: string): string => folder.journal(owner);
  const shared = { isOff, isTraced, redisUrl, keyPrefix };
  const paymentsRun = new BrokerRun({
    name: "rabbitmq",
    broker: queue,
    copies: payments,
    consumers: ["payments-1", "payments-2", "payments-3"],
    crew: {
      program: "payments-consumer.js",
      settings: {
        ...shared,
        brokerUrl: services.rabbitmq.endpoint,
        source: queue.source,
        group: queue.source,
        ledger: folder.ledger("payments"),
      },
      journalPath,
      log,
      progress,
    },
    journal: new Journal(folder.journal("payments")),
    journalPath: folder.journal("payments"),
    disturb: disturbPayments,
  });
  cleanup.add(() => paymentsRun.abort());
  const ordersRun = new BrokerRun({
    name: "kafka",
    broker: topic,
    copies: orders,
    consumers: ["orders-1", "orders-2", "orders-3"],
    joiner: JOINER,
    crew: {
      program: "orders-consumer.js",
      settings: {
        ...shared,
        brokerUrl: services.kafka.endpoint,
        source: topic.source,
        group: topic.source,
        ledger: folder.ledger("orders"),
      },
      journalPath,
      log,
      progress,
    },
    journal: new Journal(folder.journal("orders")),
    journalPath: folder.journal("orders"),
    disturb: (crew) => disturbOrders(crew, { slowTaskId, joiner: JOINER }),
  });
  cleanup.add(() => ordersRun.abort());

  const show = setInterval(() => {
    progress.update(`payments ${paymentsRun.status} · orders ${ordersRun.status}`);
  }, UPDATE_EVERY_MS);
  cleanup.add(async () => clearInterval(show));
  return Promise.all([paymentsRun.run(), ordersRun.run()]);
}
