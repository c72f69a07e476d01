import { within } from "./deadline.js";
import type { ServiceName } from "./service.js";

/**
 * Resolves when the service behind `endpoint` answers in its own protocol: PING, an AMQP
 * handshake, or a Kafka metadata request. Rejects with the client's error otherwise.
 */
export function protocolAnswer(
  name: ServiceName,
  endpoint: string,
  limitMs = 3_000,
): Promise<void> {
  switch (name) {
    case "redis":
      return redisAnswer(endpoint, limitMs);
    case "rabbitmq":
      return rabbitmqAnswer(endpoint, limitMs);
    case "kafka":
      return kafkaAnswer(endpoint, limitMs);
  }
}

async function redisAnswer(url: string, limitMs: number): Promise<void> {
  const { Redis } = await import("ioredis");
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: limitMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // The reason arrives here, not from the rejected connect.
  let reason: Error | undefined;
  redis.on("error", (error: Error) => {
    reason = error;
  });
  try {
    await within(
      redis.connect().then(() => redis.ping()),
      "PING",
      limitMs,
    );
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}

async function rabbitmqAnswer(url: string, limitMs: number): Promise<void> {
  const { connect } = await import("amqplib");
  const connection = await connect(url, { timeout: limitMs });
  connection.on("error", () => {});
  await within(connection.close(), "Closing an AMQP connection", limitMs);
}

async function kafkaAnswer(brokers: string, limitMs: number): Promise<void> {
  const { Kafka, logLevel } = await import("kafkajs");
  const kafka = new Kafka({
    brokers: brokers.split(","),
    clientId: "onlyonce-probe",
    connectionTimeout: limitMs,
    requestTimeout: limitMs,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await within(
      admin.connect().then(() => admin.describeCluster()),
      "A Kafka metadata request",
      limitMs,
    );
  } finally {
    await admin.disconnect();
  }
}
