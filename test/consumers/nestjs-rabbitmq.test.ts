import { randomUUID } from "node:crypto";
import { connect } from "amqplib";
import { expect, inject, it, onTestFinished } from "vitest";
import { installConsumer } from "./consumer.js";

async function newQueue(): Promise<string> {
  const queue = `onlyonce-test-${randomUUID()}`;
  const connection = await connect(inject("amqpUrl"));
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  onTestFinished(async () => {
    await channel.deleteQueue(queue);
    await connection.close();
  });
  return queue;
}

it("a NestJS microservice handles each event once, retries, dead-letters, and answers a repeated request with the first reply", async () => {
  const consumer = await installConsumer("nestjs-rabbitmq", ["core", "rabbitmq"]);
  onTestFinished(() => consumer.remove());
  await consumer.run(["node_modules/typescript/bin/tsc", "--project", "."]);
  const env = { AMQP_URL: inject("amqpUrl"), QUEUE: await newQueue() };
  const { stdout } = await consumer.run(["dist/main.js"], { env });
  const { invoices, outcomes, ...rest } = JSON.parse(stdout);
  expect(new Set(invoices)).toEqual(
    new Set([
      "invoice i-1, attempt 1",
      "invoice i-2, attempt 1",
      "invoice i-2, attempt 2",
      "invoice i-3, attempt 1",
    ]),
  );
  expect(invoices).toHaveLength(4);
  expect(outcomes.toSorted()).toEqual(
    // i-1 twice, i-2 twice, i-3, and the charge twice.
    ["duplicate", "duplicate", "failed", "failed", "processed", "processed", "processed"],
  );
  expect(rest).toEqual({
    charges: ["charge 10"],
    receipts: [{ receipt: "r-1" }, { receipt: "r-1" }],
    deadLetters: ["i-3"],
    left: { messageCount: 0, consumerCount: 0 },
  });
});
