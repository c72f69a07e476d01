import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
// Brings the types of what the setup files provide.
import type {} from "./test/setup/kafka.js";
import type {} from "./test/setup/packages.js";
import type {} from "./test/setup/rabbitmq.js";
import type {} from "./test/setup/redis.js";

type Need = "redis" | "rabbitmq" | "kafka" | "packages";

interface Project {
  readonly name: string;
  /** Folder that holds its `*.test.ts`. */
  readonly folder: string;
  /** Real services, found once per run and shared by the projects; our own packages, packed. */
  readonly needs: readonly Need[];
  /** For one test, and for one hook. */
  readonly limitMs: number;
  /** Groups run one after the other. */
  readonly group: number;
  /** Of the group. @defaultValue 2 */
  readonly filesAtATime?: 1;
}

const PROJECTS: readonly Project[] = [
  { name: "core", folder: "packages/core/test", needs: [], limitMs: 10_000, group: 0 },
  { name: "testing", folder: "packages/testing/test", needs: [], limitMs: 10_000, group: 0 },
  { name: "otel", folder: "packages/otel/test", needs: [], limitMs: 10_000, group: 0 },
  { name: "demo", folder: "examples/demo/test", needs: [], limitMs: 10_000, group: 0 },
  { name: "bench", folder: "bench/test", needs: [], limitMs: 10_000, group: 0 },
  { name: "repository", folder: "test/repository", needs: [], limitMs: 10_000, group: 0 },
  { name: "redis", folder: "packages/redis/test", needs: ["redis"], limitMs: 20_000, group: 1 },
  {
    name: "rabbitmq",
    folder: "packages/rabbitmq/test",
    needs: ["redis", "rabbitmq"],
    limitMs: 60_000,
    group: 2,
  },
  {
    name: "kafka",
    folder: "packages/kafka/test",
    needs: ["redis", "kafka"],
    limitMs: 60_000,
    group: 2,
  },
  {
    name: "e2e",
    folder: "test/e2e",
    needs: ["redis", "rabbitmq", "kafka"],
    limitMs: 120_000,
    group: 3,
  },
  {
    name: "telemetry",
    folder: "test/telemetry",
    needs: ["redis", "rabbitmq", "kafka"],
    limitMs: 120_000,
    group: 3,
  },
  { name: "servers", folder: "test/servers", needs: [], limitMs: 120_000, group: 4 },
  { name: "model", folder: "test/model", needs: [], limitMs: 120_000, group: 5 },
  { name: "faults", folder: "test/faults", needs: ["redis"], limitMs: 120_000, group: 5 },
  {
    name: "consumers",
    folder: "test/consumers",
    needs: ["redis", "rabbitmq", "kafka", "packages"],
    limitMs: 300_000,
    group: 6,
    filesAtATime: 1,
  },
];

/** Packages run from their sources, so no build is needed and none can be stale. */
const CONDITIONS = ["@onlyonce/source", "node", "development|production"];

export default defineConfig({
  test: {
    reporters: ["default", ["json", { outputFile: "test-results.json" }]],
    projects: PROJECTS.map(
      ({
        name,
        folder,
        needs,
        limitMs,
        group,
        filesAtATime = 2,
      }): TestProjectInlineConfiguration => ({
        resolve: { conditions: CONDITIONS },
        ssr: { resolve: { conditions: CONDITIONS, externalConditions: CONDITIONS } },
        test: {
          name,
          include: [`${folder}/**/*.test.ts`],
          globalSetup: needs.map((need) => `./test/setup/${need}.ts`),
          testTimeout: limitMs,
          hookTimeout: limitMs,
          sequence: { groupOrder: group },
          maxWorkers: filesAtATime,
        },
      }),
    ),
  },
});
