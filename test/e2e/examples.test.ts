import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";

const run = promisify(execFile);
const examples = new URL("../../examples/", import.meta.url);

describe("the examples", () => {
  it.each(["kafka-orders", "kafka-transaction", "rabbitmq-payments", "webhook", "tracing"])(
    "%s prints what it says",
    async (name) => {
      const main = fileURLToPath(new URL(`${name}/dist/main.js`, examples));
      const env = {
        ...process.env,
        REDIS_URL: inject("redisUrl"),
        AMQP_URL: inject("amqpUrl"),
        KAFKA_BROKERS: inject("kafkaBrokers"),
      };
      const { stdout, stderr } = await run(process.execPath, [main], { env, timeout: 60_000 });
      expect(stderr).toBe("");
      expect(stdout).toBe(await readFile(new URL(`${name}/expected-output.txt`, examples), "utf8"));
    },
  );
});
