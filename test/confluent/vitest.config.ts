// The end-to-end scenarios of Kafka once more, with consumers of @confluentinc/kafka-javascript.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "confluent",
    include: ["test/e2e/kafka-*.test.ts", "test/confluent/*.test.ts"],
    globalSetup: ["./setup.ts", "../setup/redis.ts", "../setup/kafka.ts"].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    ),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
