import { until } from "./deadline.js";

/** One group per partition of the offsets topic: the hash of a one-letter name is its code. */
const GROUPS = ["a", "b", "c", "d"];

/**
 * Asks for the offsets of groups on every partition of the offsets topic.
 *
 * The first request creates that topic and is answered "coordinator not available", which client
 * libraries log as an error. Afterwards consumers join at once. No group is created by asking.
 */
export async function warmUpKafka(brokers: string): Promise<void> {
  const { Kafka, logLevel } = await import("kafkajs");
  const kafka = new Kafka({
    brokers: brokers.split(","),
    clientId: "onlyonce-warm-up",
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    for (const groupId of GROUPS) {
      await until(async () => admin.fetchOffsets({ groupId, topics: [] }), {
        what: `Loading the coordinator of Kafka group ${groupId}`,
        limitMs: 30_000,
      });
    }
  } finally {
    await admin.disconnect();
  }
}
