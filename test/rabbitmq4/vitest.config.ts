// The tests of @onlyonce/rabbitmq once more, against RabbitMQ 4.0.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const CONDITIONS = ["@onlyonce/source", "node", "development|production"];

export default defineConfig({
  resolve: { conditions: CONDITIONS },
  ssr: { resolve: { conditions: CONDITIONS, externalConditions: CONDITIONS } },
  test: {
    name: "rabbitmq4",
    include: ["packages/rabbitmq/test/**/*.test.ts", "test/e2e/rabbitmq-*.test.ts"],
    globalSetup: ["./setup.ts", "../setup/redis.ts"].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    ),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
