import { randomUUID } from "node:crypto";
import { header } from "@onlyonce/core";
import { type KafkaRunOptions, kafkaRun } from "@onlyonce/kafka";
import { SpanKind } from "@opentelemetry/api";
import type { Consumer } from "kafkajs";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { endedSpans, inSpan, kafkajs, placeOf, spansNamed, traced } from "./sdk.js";

const KEYED = { key: header("order-id") };

async function newTopic() {
  const topic = `orders-${randomUUID()}`;
  const kafka = new kafkajs.Kafka({
    brokers: inject("kafkaBrokers").split(","),
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  onTestFinished(async () => {
    await admin.deleteTopics({ topics: [topic] }).catch(() => undefined);
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  });
  const send = (...ids: readonly string[]): Promise<unknown> =>
    inSpan("checkout", () =>
      producer.send({
        topic,
        messages: ids.map((id) => ({ value: id, headers: { "order-id": id } })),
      }),
    );
  const consumer = async (groupId: string): Promise<Consumer> => {
    const made = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
    onTestFinished(() => made.disconnect());
    await made.connect();
    await made.subscribe({ topics: [topic], fromBeginning: true });
    return made;
  };
  return { topic, send, consumer };
}

describe("with the instrumentation of kafkajs, on a real broker", () => {
  it.each([
    ["claims taken ahead", {}],
    ["claims one by one", { claimAhead: 1 }],
  ] as const)(
    "every message is a span of ours below the poll, linked to its sender, and the poll keeps to itself: %s",
    async (_name, options: KafkaRunOptions) => {
      const { topic, send, consumer } = await newTopic();
      const groupId = `shipping-${randomUUID()}`;
      const { dedup } = traced(KEYED);
      await send("o-1", "o-2", "o-1");
      const member = await consumer(groupId);
      await member.run(
        kafkaRun(dedup, { eachMessage: async () => undefined }, { groupId, ...options }),
      );
      const ours = await spansNamed(`idempotency ${topic}`, 3);
      const [poll] = await spansNamed(`poll ${topic}`, 1);
      const senders = endedSpans().filter(({ name }) => name === `send ${topic}`);
      expect(senders).toHaveLength(3);
      const inOrder = ours.toSorted((a, b) => offsetOf(a) - offsetOf(b));
      for (const [index, span] of inOrder.entries()) {
        expect(span.kind).toBe(SpanKind.INTERNAL);
        expect(span.parentSpanContext).toMatchObject(placeOf(poll));
        expect(span.links[0]?.context).toMatchObject(placeOf(senders[index]));
        expect(span.attributes).toMatchObject({
          "messaging.system.name": "kafka",
          "messaging.destination.name": topic,
          "messaging.destination.partition.id": "0",
          "messaging.consumer.group.name": groupId,
          "kafka.offset": index,
        });
      }
      const [original, other, duplicate] = inOrder;
      expect(inOrder.map(({ attributes }) => attributes["idempotency.outcome"])).toEqual([
        "processed",
        "processed",
        "duplicate",
      ]);
      expect(other?.links).toHaveLength(1);
      expect(duplicate?.links[1]).toMatchObject({
        context: placeOf(original),
        attributes: { "idempotency.link.type": "original" },
      });
      expect(duplicate?.attributes["idempotency.duplicate.kind"]).toBe("republish");
      const told = Object.keys(poll?.attributes ?? {}).filter((key) =>
        key.startsWith("idempotency"),
      );
      expect(told).toEqual([]);
    },
  );

  it("the instrumentation's own process spans last as long as the batch and know nothing of outcomes", async () => {
    const { topic, send, consumer } = await newTopic();
    const groupId = `shipping-${randomUUID()}`;
    const { dedup } = traced(KEYED);
    await send("o-1", "o-1");
    const member = await consumer(groupId);
    await member.run(kafkaRun(dedup, { eachMessage: async () => undefined }));
    const theirs = await spansNamed(`process ${topic}`, 2);
    const ours = await spansNamed(`idempotency ${topic}`, 2);
    for (const span of theirs) {
      expect(span.instrumentationScope.name).toBe("@opentelemetry/instrumentation-kafkajs");
      expect(Object.keys(span.attributes).filter((key) => key.startsWith("idempotency"))).toEqual(
        [],
      );
    }
    const parents = new Set(ours.map((span) => span.parentSpanContext?.spanId));
    expect(theirs.some((span) => parents.has(span.spanContext().spanId))).toBe(false);
  });

  it("a record that is read again is a redelivery, linked to the first run", async () => {
    const { topic, send, consumer } = await newTopic();
    const { dedup } = traced(KEYED);
    await send("o-1");
    // Another group, the same scope: the record is read again from the same place.
    for (const count of [1, 2]) {
      const member = await consumer(randomUUID());
      await member.run(kafkaRun(dedup, { eachMessage: async () => undefined }));
      await spansNamed(`idempotency ${topic}`, count);
    }
    const [original, duplicate] = await spansNamed(`idempotency ${topic}`, 2);
    expect(duplicate?.attributes["idempotency.duplicate.kind"]).toBe("redelivery");
    expect(duplicate?.links.at(-1)?.context).toMatchObject(placeOf(original));
  });

  it("a retry links to the attempt that failed", async () => {
    const { topic, send, consumer } = await newTopic();
    const { dedup } = traced(KEYED);
    await send("o-1");
    const member = await consumer(randomUUID());
    let runs = 0;
    const eachMessage = async (): Promise<void> => {
      runs += 1;
      if (runs === 1) throw new Error("not yet");
    };
    await member.run(kafkaRun(dedup, { eachMessage }, { retryDelayMs: () => 100 }));
    const [failed, retry] = await spansNamed(`idempotency ${topic}`, 2);
    expect(failed?.attributes["idempotency.outcome"]).toBe("failed");
    expect(retry?.links.at(-1)).toMatchObject({
      context: placeOf(failed),
      attributes: { "idempotency.link.type": "previous_attempt" },
    });
    expect(retry?.attributes).toMatchObject({ "idempotency.attempt": 2 });
  });
});

function offsetOf({ attributes }: { readonly attributes: Record<string, unknown> }): number {
  return Number(attributes["kafka.offset"]);
}
