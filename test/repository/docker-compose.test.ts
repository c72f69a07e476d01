import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COMPOSE_PORTS } from "../servers/compose-rung.js";
import { IMAGES, kafkaEnvironment } from "../servers/container-rung.js";

const text = readFileSync(new URL("../../docker-compose.yml", import.meta.url), "utf8");

/** The indented block under `  <name>:`, up to the next service. */
function service(name: string): string {
  const block = new RegExp(`^  ${name}:\\n((?:    .*\\n|\\n)+)`, "m").exec(`${text}\n`);
  return block?.[1] ?? "";
}

const INNER_PORTS = { redis: 6_379, rabbitmq: 5_672, kafka: COMPOSE_PORTS.kafka };

describe("docker-compose.yml", () => {
  describe.each(["redis", "rabbitmq", "kafka"] as const)("%s", (name) => {
    it("runs the image that a container of our own would run", () => {
      expect(service(name)).toContain(`    image: ${IMAGES[name]}\n`);
    });

    it("listens on its uncommon loopback port only", () => {
      const published = [...service(name).matchAll(/^ {4}ports: (.*)$/gm)].map((match) => match[1]);
      expect(published).toEqual([`["127.0.0.1:${COMPOSE_PORTS[name]}:${INNER_PORTS[name]}"]`]);
    });

    it("has a health check, so that `up --wait` means ready", () => {
      expect(service(name)).toMatch(/^ {4}healthcheck:\n {6}test:/m);
      expect(service(name)).toMatch(/^ {6}retries: \d+$/m);
    });
  });

  it("configures Kafka like a container of our own", () => {
    const lines = [...service("kafka").matchAll(/^ {6}(KAFKA_\w+): "?([^"\n]*)"?$/gm)];
    const environment = Object.fromEntries(lines.map(([, key, value]) => [key, value]));
    expect(environment).toEqual(kafkaEnvironment("127.0.0.1", COMPOSE_PORTS.kafka));
  });

  it("uses images of Redis 8, RabbitMQ 4 and Kafka 4, Kafka in the version of our jars", () => {
    const pom = readFileSync(new URL("../servers/pom.xml", import.meta.url), "utf8");
    const version = /<kafka\.version>(4\.[^<]+)</.exec(pom)?.[1];
    expect(IMAGES).toEqual({
      redis: "redis:8-alpine",
      rabbitmq: "rabbitmq:4-alpine",
      kafka: `apache/kafka:${version}`,
    });
  });
});
