import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { installConsumer } from "./consumer.js";
import { guideExamples } from "./guide-examples.js";

const NESTJS = fileURLToPath(new URL("nestjs-rabbitmq", import.meta.url));

it("the guide to RabbitMQ has examples that compile, before and after, with the published types of amqplib, amqp-connection-manager, rabbitmq-client and NestJS", async () => {
  const consumer = await installConsumer("rabbitmq-guide", ["core", "rabbitmq"]);
  onTestFinished(() => consumer.remove());
  const modules = await guideExamples("rabbitmq", {
    "class GuardedRabbitMq": "guarded-rabbitmq",
  });
  expect(modules.size).toBeGreaterThanOrEqual(14);
  for (const [name, text] of modules) {
    await writeFile(join(consumer.folder, "src", `${name}.ts`), `${text}\nexport {};\n`);
  }
  await consumer.run(["node_modules/typescript/bin/tsc", "--project", "."]);
  const compiled = await readdir(join(consumer.folder, "dist"));
  expect(compiled).toEqual(expect.arrayContaining([...modules.keys()].map((name) => `${name}.js`)));
});

it("the guide to RabbitMQ shows the NestJS transport that a test runs", async () => {
  const { "guarded-rabbitmq": shown } = Object.fromEntries(
    await guideExamples("rabbitmq", { "class GuardedRabbitMq": "guarded-rabbitmq" }),
  );
  expect(shown).toBe(await readFile(join(NESTJS, "src", "guarded-rabbitmq.ts"), "utf8"));
});
