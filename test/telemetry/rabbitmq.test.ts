import { randomUUID } from "node:crypto";
import { rabbitConsume, toDelivery } from "@onlyonce/rabbitmq";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { Channel, ChannelModel } from "amqplib";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { until } from "../servers/deadline.js";
import {
  allMetrics,
  amqplib,
  amqplibInstrumentation,
  childrenOf,
  endedSpans,
  inSpan,
  placeOf,
  spansNamed,
  traced,
} from "./sdk.js";

async function connected(): Promise<ChannelModel> {
  const connection = await amqplib.connect(inject("amqpUrl"));
  connection.on("error", () => undefined);
  onTestFinished(() => connection.close().catch(() => undefined));
  return connection;
}

async function newQueue(
  options = {},
): Promise<{ readonly queue: string; readonly channel: Channel }> {
  const queue = `onlyonce-test-${randomUUID()}`;
  const channel = await (await connected()).createChannel();
  await channel.assertQueue(queue, { durable: true, ...options });
  onTestFinished(async () => {
    await channel.deleteQueue(queue).catch(() => undefined);
  });
  return { queue, channel };
}

function publish(channel: Channel, queue: string, messageId: string): Promise<void> {
  return inSpan("checkout", async () => {
    channel.sendToQueue(queue, Buffer.from("{}"), { messageId });
  });
}

describe("with the instrumentation of amqplib, on a real broker", () => {
  it("a message is one CONSUMER span, ours below it, Redis below ours, and the outcome on both", async () => {
    const { queue, channel } = await newQueue();
    const { dedup } = traced();
    const consumer = await rabbitConsume(dedup, channel, queue, async () => undefined);
    await publish(channel, queue, "m-1");
    const [consume] = await spansNamed(`${queue} process`, 1);
    const [ours] = await spansNamed(`idempotency ${queue}`, 1);
    const [send] = endedSpans().filter(
      (span) => span.kind === SpanKind.PRODUCER && placeOf(span).traceId === placeOf(ours).traceId,
    );
    expect(consume?.kind).toBe(SpanKind.CONSUMER);
    expect(consume?.parentSpanContext).toMatchObject(placeOf(send));
    expect(ours?.kind).toBe(SpanKind.INTERNAL);
    expect(ours?.parentSpanContext).toMatchObject(placeOf(consume));
    // Written before the ack, which ends that span.
    expect(consume?.attributes["idempotency.outcome"]).toBe("processed");
    expect(consume?.status.code).toBe(SpanStatusCode.UNSET);
    expect(ours?.attributes).toMatchObject({
      "messaging.system.name": "rabbitmq",
      "messaging.destination.name": queue,
      "messaging.message.id": "m-1",
      "idempotency.message.redelivered": false,
      "idempotency.outcome": "processed",
    });
    expect(ours === undefined ? [] : childrenOf(ours).map(({ name }) => name)).toContain("evalsha");
    await consumer.close();
    const consumers = endedSpans().filter(
      (span) => span.kind === SpanKind.CONSUMER && placeOf(span).traceId === placeOf(ours).traceId,
    );
    expect(consumers).toHaveLength(1);
  });

  it("behaviour 86: a message that was published twice links from its own trace to the first one", async () => {
    const { queue, channel } = await newQueue();
    const { dedup, seen } = traced();
    const consumer = await rabbitConsume(dedup, channel, queue, async () => undefined, {
      prefetch: 1,
    });
    await publish(channel, queue, "m-1");
    await publish(channel, queue, "m-1");
    const [original, duplicate] = await spansNamed(`idempotency ${queue}`, 2);
    expect(duplicate?.links).toMatchObject([
      {
        context: { ...placeOf(original), isRemote: true },
        attributes: { "idempotency.link.type": "original" },
      },
    ]);
    expect(placeOf(duplicate).traceId).not.toBe(placeOf(original).traceId);
    expect(duplicate?.attributes).toMatchObject({
      "idempotency.outcome": "duplicate",
      "idempotency.duplicate.kind": "republish",
      "idempotency.duplicate.age": expect.any(Number),
    });
    const [, consume] = await spansNamed(`${queue} process`, 2);
    expect(consume?.attributes).toMatchObject({
      "idempotency.outcome": "duplicate",
      "idempotency.duplicate.kind": "republish",
    });
    expect(consume?.status.code).toBe(SpanStatusCode.UNSET);
    await consumer.close();
    expect(seen.names()).toEqual(["processed", "duplicate"]);
  });

  it("a redelivery whose ack was lost links to its sibling in the same trace", async () => {
    const { queue, channel } = await newQueue();
    const { dedup, seen } = traced();
    const lost = await (await connected()).createChannel();
    lost.on("error", () => undefined);
    const first = await rabbitConsume(dedup, lost, queue, async () => {
      await lost.close();
    });
    await publish(channel, queue, "m-1");
    await until(() => (seen.count("processed") === 1 ? true : undefined), {
      what: "the first delivery",
      limitMs: 60_000,
    });
    await first.close();
    const second = await rabbitConsume(dedup, channel, queue, async () => undefined);
    const [original, duplicate] = await spansNamed(`idempotency ${queue}`, 2);
    expect(duplicate?.links).toMatchObject([{ context: placeOf(original) }]);
    expect(placeOf(duplicate).traceId).toBe(placeOf(original).traceId);
    expect(duplicate?.attributes).toMatchObject({
      "idempotency.duplicate.kind": "redelivery",
      "idempotency.message.redelivered": true,
    });
    await second.close();
  });

  it("a retry on a quorum queue knows its number and links to the attempt that failed", async () => {
    const { queue, channel } = await newQueue({ arguments: { "x-queue-type": "quorum" } });
    const { dedup } = traced();
    let runs = 0;
    const consumer = await rabbitConsume(
      dedup,
      channel,
      queue,
      async () => {
        runs += 1;
        if (runs === 1) throw new RangeError("not yet");
      },
      { retryDelayMs: () => 50 },
    );
    await publish(channel, queue, "m-1");
    const [failed, retry] = await spansNamed(`idempotency ${queue}`, 2);
    expect(failed?.status.code).toBe(SpanStatusCode.ERROR);
    expect(failed?.attributes["error.type"]).toBe("RangeError");
    expect(failed?.attributes).not.toHaveProperty("idempotency.message.delivery_count");
    expect(retry?.links).toMatchObject([
      {
        context: placeOf(failed),
        attributes: { "idempotency.link.type": "previous_attempt" },
      },
    ]);
    expect(retry?.attributes).toMatchObject({
      "idempotency.attempt": 2,
      "idempotency.message.delivery_count": 1,
      "idempotency.outcome": "processed",
    });
    await consumer.close();
  });

  it("where every delivery begins a trace of its own, our link is the bridge", async () => {
    amqplibInstrumentation.setConfig({ useLinksForConsume: true });
    onTestFinished(() => amqplibInstrumentation.setConfig({}));
    const { queue, channel } = await newQueue();
    const { dedup } = traced();
    const consumer = await rabbitConsume(dedup, channel, queue, async () => undefined, {
      prefetch: 1,
    });
    await publish(channel, queue, "m-1");
    await publish(channel, queue, "m-1");
    const [original, duplicate] = await spansNamed(`idempotency ${queue}`, 2);
    const [, consume] = await spansNamed(`${queue} process`, 2);
    expect(consume?.parentSpanContext).toBeUndefined();
    expect(duplicate?.parentSpanContext).toMatchObject(placeOf(consume));
    expect(consume?.attributes["idempotency.outcome"]).toBe("duplicate");
    expect(duplicate?.links).toMatchObject([{ context: placeOf(original) }]);
    expect(placeOf(duplicate).traceId).not.toBe(placeOf(original).traceId);
    await consumer.close();
  });

  it("a message that was fetched, which nothing instruments, is a CONSUMER span of ours below its sender", async () => {
    const { queue, channel } = await newQueue();
    const { dedup } = traced();
    await publish(channel, queue, "m-1");
    const message = await until(async () => (await channel.get(queue)) || undefined, {
      what: "the message",
      limitMs: 60_000,
    });
    await dedup.process(toDelivery(queue, message), () => undefined);
    channel.ack(message);
    const [ours] = await spansNamed(`process ${queue}`, 1);
    const send = endedSpans().find(
      (span) => span.kind === SpanKind.PRODUCER && placeOf(span).traceId === placeOf(ours).traceId,
    );
    expect(ours?.kind).toBe(SpanKind.CONSUMER);
    expect(ours?.parentSpanContext).toMatchObject(placeOf(send));
    expect(ours?.links).toMatchObject([{ context: placeOf(send) }]);
    expect(ours?.attributes).toMatchObject({
      "messaging.operation.type": "process",
      "messaging.destination.name": queue,
      "rabbitmq.destination.routing_key": queue,
      "idempotency.outcome": "processed",
    });
  });

  it("no argument of a script reaches the spans of Redis: no traceparent, no result", async () => {
    const { queue, channel } = await newQueue();
    const { dedup } = traced();
    const consumer = await rabbitConsume(dedup, channel, queue, async () => undefined);
    await publish(channel, queue, "m-1");
    const [ours] = await spansNamed(`idempotency ${queue}`, 1);
    const scripts =
      ours === undefined ? [] : childrenOf(ours).filter(({ name }) => name === "evalsha");
    const texts = scripts.flatMap(({ attributes }) =>
      Object.entries(attributes).filter(([name]) => /statement|query\.text/.test(name)),
    );
    expect(texts.length).toBeGreaterThan(0);
    for (const [, text] of texts) {
      expect(text).toMatch(/\[\d+ other arguments\]$/);
      expect(text).not.toContain(placeOf(ours).traceId);
    }
    await consumer.close();
  });

  it("calls of the store are timed as calls of Redis", async () => {
    const { queue, channel } = await newQueue();
    const { dedup } = traced();
    const consumer = await rabbitConsume(dedup, channel, queue, async () => undefined);
    await publish(channel, queue, "m-1");
    await spansNamed(`idempotency ${queue}`, 1);
    await consumer.close();
    const points = (await allMetrics()).get("idempotency.store.operation.duration")?.dataPoints;
    expect(points?.map(({ attributes }) => attributes)).toEqual(
      expect.arrayContaining([
        {
          "idempotency.store.operation": "claim",
          "idempotency.claim.result": "acquired",
          "db.system.name": "redis",
        },
        { "idempotency.store.operation": "complete", "db.system.name": "redis" },
      ]),
    );
  });
});
