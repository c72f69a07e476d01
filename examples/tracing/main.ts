// A payment is published twice. The second trace leads to the first one, where the work was done.
import { randomUUID } from "node:crypto";
import { createDeduplicator } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import { redisStore } from "@onlyonce/redis";
import { trace } from "@opentelemetry/api";
import { Redis } from "ioredis";
import { metricSummary, traceTree } from "./print.js";
import { collectedMetrics, collectedSpans, startTelemetry } from "./telemetry.js";

// Before the client is imported, so that the instrumentation finds it. `node --import ./telemetry.js` does the same.
startTelemetry();
const { connect } = await import("amqplib");

const { AMQP_URL = "amqp://localhost", REDIS_URL = "redis://localhost:6379" } = process.env;
const queue = `payments-${randomUUID()}`;
const connection = await connect(AMQP_URL);
const channel = await connection.createChannel();
await channel.assertQueue(queue);

// The one line that telemetry needs: an observer.
const redis = new Redis(REDIS_URL);
const dedup = createDeduplicator({
  store: redisStore(redis),
  scope: "billing",
  observers: [otelObserver(), { outcome: () => settled() }],
});

const consumer = await rabbitConsume(
  dedup,
  channel,
  queue,
  async (message) => {
    const charge = trace.getTracer("billing").startSpan("charge the card");
    console.log(`charging ${message.content.toString()}`);
    charge.end();
  },
  { prefetch: 1 },
);

// What follows only feeds the consumer, waits for it and shows what was collected.
let left = 2;
let allSettled: () => void = () => undefined;
const done = new Promise<void>((resolve) => {
  allSettled = resolve;
});
function settled(): void {
  left -= 1;
  if (left === 0) allSettled();
}
for (const attempt of ["checkout", "checkout, once more"]) {
  trace.getTracer("shop").startActiveSpan(attempt, (span) => {
    channel.sendToQueue(queue, Buffer.from("10 for p-1"), { messageId: "p-1" });
    span.end();
  });
}
await done;
await consumer.close();
await dedup.close();
await redis.quit();
await channel.deleteQueue(queue);
await connection.close();

const spans = collectedSpans();
const duplicate = spans.find(({ links }) => links.length > 0);
const lines = [
  ...traceTree(spans, duplicate?.spanContext().traceId ?? ""),
  "",
  ...metricSummary(await collectedMetrics()),
];
// The queue is named anew for each run.
for (const line of lines) console.log(line.replaceAll(queue, "payments"));
