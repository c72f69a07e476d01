import { jsonField, type KeyStrategy } from "@onlyonce/core";
import type { Message, Producer } from "kafkajs";
import { describe, expect, it, onTestFinished } from "vitest";
import { stampKey } from "../src/index.js";
import { join, kafka, newGroup, newTopic, reaches } from "./guarded-group.js";

interface Sent {
  readonly topic: string;
  readonly messages: readonly Message[];
}

/** Notes what it is asked to send; like a client's own, its methods need their `this`. */
class NotingProducer {
  readonly #sent: Sent[] = [];
  readonly name = "noting";

  get sent(): readonly Sent[] {
    return this.#sent;
  }

  async send(record: Sent): Promise<number> {
    return this.#sent.push(record);
  }

  async sendBatch({ topicMessages }: { readonly topicMessages: readonly Sent[] }): Promise<number> {
    return this.#sent.push(...topicMessages);
  }

  async transaction(): Promise<NotingProducer> {
    return this;
  }

  headers(): unknown[] {
    return this.#sent.flatMap(({ messages }) =>
      messages.map(({ headers }) => headers?.["idempotency-key"]),
    );
  }
}

const byId = jsonField("/id");

function event(id: string, more: Partial<Message> = {}): Message {
  return { value: JSON.stringify({ id }), ...more };
}

describe("a producer with stamped keys", () => {
  it("gives the same event the same key however it is sent, and others another one", async () => {
    const inner = new NotingProducer();
    const producer = stampKey(inner, byId);
    await producer.send({ topic: "orders", messages: [event("1"), event("2")] });
    await producer.sendBatch({
      topicMessages: [{ topic: "orders", messages: [{ value: Buffer.from('{ "id": "1" }') }] }],
    });
    const transaction = await producer.transaction();
    await transaction.send({ topic: "orders", messages: [event("1")] });
    await producer.send({ topic: "refunds", messages: [event("1")] });
    const [first, second, ...others] = inner.headers();
    expect(first).toMatch(/^[\w-]{22}$/);
    expect(others.slice(0, 2)).toEqual([first, first]);
    expect(new Set([first, second, others[2]]).size).toBe(3);
  });

  it("keeps a key that is there, and everything else of the record", async () => {
    const inner = new NotingProducer();
    const mine = { "Idempotency-Key": "mine", trace: "t" };
    const empty = { "idempotency-key": "", trace: "t" };
    const messages = [event("1", { key: "k", headers: mine }), event("1", { headers: empty })];
    const before = structuredClone(messages);
    await stampKey(inner, byId).send({ topic: "orders", messages });
    expect(inner.sent[0]?.messages[0]).toBe(messages[0]);
    expect(inner.sent[0]?.messages[1]).toEqual({
      value: '{"id":"1"}',
      headers: { trace: "t", "idempotency-key": expect.stringMatching(/^[\w-]{22}$/) },
    });
    expect(messages).toEqual(before);
  });

  it("shows the strategy topic, payload, record key and headers", async () => {
    const seen: unknown[] = [];
    const strategy: KeyStrategy = (delivery) => {
      seen.push(delivery);
      return "key";
    };
    const headers = { trace: "t" };
    const messages = [{ key: "k", value: "v", headers }, { value: null }];
    await stampKey(new NotingProducer(), strategy).send({ topic: "orders", messages });
    expect(seen).toEqual([
      { topic: "orders", payload: Buffer.from("v"), recordKey: "k", headers },
      { topic: "orders" },
    ]);
  });

  it("sends nothing of a call in which one record has no key", async () => {
    const inner = new NotingProducer();
    const messages = [event("1"), { value: "{}" }];
    await expect(stampKey(inner, byId).send({ topic: "orders", messages })).rejects.toThrow(
      'no key in a message for topic "orders"',
    );
    expect(inner.sent).toEqual([]);
  });

  it("is the producer in every other way", () => {
    const inner = new NotingProducer();
    const producer = stampKey(inner, byId);
    expect(producer.name).toBe("noting");
    expect(producer.headers()).toEqual([]);
    expect(producer).toBeInstanceOf(NotingProducer);
  });

  it("is refused for what is no producer, or no strategy", () => {
    const build = stampKey as (...args: unknown[]) => unknown;
    expect(() => build(null, byId)).toThrow("producer must be an object, got null");
    expect(() => build({ send() {} }, byId)).toThrow("producer.sendBatch must be a function");
    expect(() => build(new NotingProducer(), "id")).toThrow(
      'strategy must be a function, got "id"',
    );
  });

  it("on a real broker: an event that is sent again, with and without a transaction, runs once", async () => {
    const topic = await newTopic();
    const groupId = newGroup();
    const plain = kafka.producer({ allowAutoTopicCreation: false });
    const transactional = kafka.producer({
      transactionalId: groupId,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    for (const producer of [plain, transactional]) {
      await producer.connect();
      onTestFinished(() => producer.disconnect());
    }
    const stamped: Producer = stampKey(plain, byId);
    await stamped.send({ topic, messages: [event("1", { partition: 0 })] });
    await stamped.sendBatch({ topicMessages: [{ topic, messages: [event("1"), event("2")] }] });
    const transaction = await stampKey(transactional, byId).transaction();
    await transaction.send({ topic, messages: [event("1")] });
    await transaction.commit();
    const ran: string[] = [];
    const member = await join({
      topics: [topic],
      groupId,
      eachMessage: async ({ message }) => {
        ran.push(String(message.value));
      },
    });
    await expect.poll(() => member.observer.outcomes.length, { timeout: 30_000 }).toBe(4);
    expect(ran).toEqual(['{"id":"1"}', '{"id":"2"}']);
    expect(member.observer.count("duplicate")).toBe(2);
    await reaches(groupId, topic, 5);
  });
});
