import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { type Consumer, installConsumer } from "./consumer.js";

const runtimes = inject("nodeRuntimes").map(({ version, node }) => [version, node] as const);
const LIBRARIES = ["core", "redis", "kafka", "rabbitmq"] as const;

function environment(): NodeJS.ProcessEnv {
  return { REDIS_URL: inject("redisUrl"), PREFIX: `t${randomUUID().slice(0, 8)}:` };
}

describe("a project of ES modules", () => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await installConsumer("esm", LIBRARIES);
    return () => consumer.remove();
  });

  it.each(runtimes)(
    "runs each message once through every package on Node.js %s",
    async (_version, node) => {
      const { stdout, stderr } = await consumer.run(["main.js"], { node, env: environment() });
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual({
        processed: ["processed", "duplicate"],
        attended: ["processed", "duplicate"],
        consumed: ["processed", "duplicate"],
        resolved: ["0", "1"],
        received: ["processed", "duplicate"],
        remembered: ["processed", "duplicate"],
        refusal: "ERR_ONLYONCE_CLOSED",
        handled: ["process", "attend", "kafka", "rabbitmq", "memory"],
      });
    },
  );
});

describe("a CommonJS project", () => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await installConsumer("commonjs", LIBRARIES);
    return () => consumer.remove();
  });

  it.each(runtimes)(
    "requires the packages without a warning on Node.js %s, and an import gives the same copy",
    async (_version, node) => {
      const { stdout, stderr } = await consumer.run(["main.js"], { node, env: environment() });
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual({
        outcomes: ["processed", "duplicate"],
        runs: 1,
        adapters: ["function", "function"],
        isOneCopy: true,
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      });
    },
  );
});
