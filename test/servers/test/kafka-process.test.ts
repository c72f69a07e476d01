import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, type LogEntry, logLevel } from "kafkajs";
import { describe, expect, it, onTestFinished } from "vitest";
import { type KafkaProcess, type KafkaProcessOptions, startKafka } from "../kafka-process.js";
import { protocolAnswer } from "../protocol-answer.js";

async function kafka(options?: KafkaProcessOptions): Promise<KafkaProcess> {
  const server = await startKafka(options);
  onTestFinished(() => server.stop());
  return server;
}

/** A client that collects what it would log as an error. */
function clientOf(server: KafkaProcess, errors: LogEntry[] = []): Kafka {
  return new Kafka({
    brokers: [server.endpoint],
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => void errors.push(entry),
  });
}

describe("a private Kafka", () => {
  it("lets a group with a session of one second join at once, without a logged error", async () => {
    const server = await kafka();
    const errors: LogEntry[] = [];
    const client = clientOf(server, errors);
    const admin = client.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "orders", numPartitions: 2 }] });
    await admin.disconnect();
    const producer = client.producer({ idempotent: true });
    await producer.connect();
    await producer.send({ topic: "orders", messages: [{ value: "order" }] });
    await producer.disconnect();

    const consumer = client.consumer({
      groupId: "billing",
      sessionTimeout: 1_000,
      heartbeatInterval: 300,
    });
    onTestFinished(() => consumer.disconnect());
    await consumer.connect();
    await consumer.subscribe({ topic: "orders", fromBeginning: true });
    const received = await new Promise<string | undefined>((resolve, reject) => {
      consumer
        .run({ eachMessage: async ({ message }) => resolve(message.value?.toString()) })
        .catch(reject);
    });
    expect(received).toBe("order");
    expect(errors).toEqual([]);
  });

  it("keeps its topics when killed and started again in the same folder, and never creates one by use", async () => {
    const dir = await mkdtemp(join(tmpdir(), "onlyonce-test-"));
    onTestFinished(() => rm(dir, { recursive: true }));
    const server = await kafka({ dir, properties: { "num.partitions": 3 } });
    const admin = clientOf(server).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "ledger" }] });
    await admin.disconnect();
    await server.kill();
    await expect(protocolAnswer("kafka", server.endpoint)).rejects.toThrow();

    const again = await kafka({ dir, port: server.port });
    const reader = clientOf(again).admin();
    onTestFinished(() => reader.disconnect());
    await reader.connect();
    const { topics } = await reader.fetchTopicMetadata({ topics: ["ledger"] });
    expect(topics[0]?.partitions).toHaveLength(3);
    await expect(reader.fetchTopicMetadata({ topics: ["no-such-topic"] })).rejects.toThrow(
      "does not host this topic-partition",
    );
  });
});
