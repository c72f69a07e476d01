import { Kafka, logLevel } from "kafkajs";
import { until } from "./deadline.js";

/** One name per partition of a coordinator's topic: the hash of a one-letter name is its code. */
const NAMES = ["a", "b", "c", "d"];

const LIMIT_MS = 60_000;

/**
 * Waits until every coordinator of a new broker is loaded.
 *
 * The first groups, transactions and idempotent producers are otherwise answered "coordinator is
 * loading", which client libraries log as an error and retry. Afterwards they succeed at once.
 * Creates no group; leaves four idle transactional ids.
 */
export async function warmUpKafka(brokers: string): Promise<void> {
  const kafka = new Kafka({
    brokers: brokers.split(","),
    clientId: "onlyonce-warm-up",
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    for (const groupId of NAMES) {
      await until(() => admin.fetchOffsets({ groupId, topics: [] }), {
        what: `Loading the coordinator of Kafka group ${groupId}`,
        limitMs: LIMIT_MS,
      });
    }
  } finally {
    await admin.disconnect();
  }
  for (const transactionalId of NAMES) await openProducer(kafka, transactionalId);
}

/** Connecting includes the request for a producer id. */
async function openProducer(kafka: Kafka, transactionalId: string): Promise<void> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    retry: { retries: 10, initialRetryTime: 50, maxRetryTime: 200 },
  });
  try {
    await until(() => producer.connect().then(() => true), {
      what: `Loading the coordinator of Kafka transaction ${transactionalId}`,
      limitMs: LIMIT_MS,
    });
  } finally {
    await producer.disconnect();
  }
}
