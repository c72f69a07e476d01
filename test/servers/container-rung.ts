import type { GenericContainer } from "testcontainers";
import { probeContainerEngine } from "./container-engine.js";
import { until } from "./deadline.js";
import { freePort } from "./free-port.js";
import { kafkaSettings } from "./kafka-settings.js";
import { warmUpKafka } from "./kafka-warm-up.js";
import { protocolAnswer } from "./protocol-answer.js";
import type { RungSteps, Taken } from "./rung.js";
import type { ServiceName } from "./service.js";

/** The images of docker-compose.yml. */
export const IMAGES = {
  redis: "redis:8-alpine",
  rabbitmq: "rabbitmq:4-alpine",
  kafka: "apache/kafka:4.1.0",
} as const satisfies Record<ServiceName, string>;

const READY_WITHIN_MS = 120_000;

/** A container of our own; testcontainers removes it even if this process is killed. */
export const containerRung: RungSteps = {
  async look(_, { env }) {
    const engine = await probeContainerEngine(env);
    return engine.isRunning
      ? { isUsable: true, reason: "a container engine answers" }
      : { isUsable: false, reason: engine.reason };
  },
  async take(name, surroundings) {
    const engine = await probeContainerEngine(surroundings.env);
    if (!engine.isRunning) throw new Error(engine.reason);
    surroundings.report(`${name}: starting a container of ${IMAGES[name]}, pulled if missing`);
    return startContainer(name, engine.host);
  },
};

async function startContainer(name: ServiceName, host: string): Promise<Taken> {
  const library = await import("testcontainers");
  const image = new library.GenericContainer(IMAGES[name]).withStartupTimeout(READY_WITHIN_MS);
  // Kafka tells its clients where to connect, so its port must be known before the start.
  const port = await freePort();
  const container = await describeContainer(image, name, host, port).start();
  const stop = async (): Promise<void> => void (await container.stop());
  const endpoint = containerEndpoint(name, `${host}:${port}`);
  try {
    await until(async () => protocolAnswer(name, endpoint).then(() => true), {
      what: `Starting ${name} in a container`,
      limitMs: READY_WITHIN_MS,
      everyMs: 200,
    });
    if (name === "kafka") await warmUpKafka(endpoint);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, stop };
}

function describeContainer(
  image: GenericContainer,
  name: ServiceName,
  host: string,
  port: number,
): GenericContainer {
  switch (name) {
    case "redis":
      return image.withExposedPorts({ container: 6_379, host: port });
    case "rabbitmq":
      return image.withExposedPorts({ container: 5_672, host: port });
    case "kafka":
      return image
        .withExposedPorts({ container: port, host: port })
        .withEnvironment(kafkaEnvironment(host, port));
  }
}

/** The image reads `some.property` from `KAFKA_SOME_PROPERTY`. */
export function kafkaEnvironment(host: string, port: number): Record<string, string> {
  const settings = kafkaSettings({
    brokerListener: `0.0.0.0:${port}`,
    advertised: `${host}:${port}`,
    controller: "localhost:9093",
  });
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      `KAFKA_${key.toUpperCase().replaceAll(".", "_")}`,
      String(value),
    ]),
  );
}

function containerEndpoint(name: ServiceName, address: string): string {
  switch (name) {
    case "redis":
      return `redis://${address}`;
    case "rabbitmq":
      return `amqp://guest:guest@${address}`;
    case "kafka":
      return address;
  }
}
