import { type Observer, PermanentError } from "@onlyonce/core";
import type { IHeaders, KafkaMessage as ReadMessage } from "kafkajs";
import { describe, expect, it, onTestFinished } from "vitest";
import { deadLetterTo, type KafkaMessage, type KafkaRecord } from "../src/index.js";
import { join, kafka, LIMIT_MS, newGroup, newTopic, reaches, send } from "./guarded-group.js";

const FAILED_IN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OWN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

interface Letter {
  readonly topic: string;
  readonly messages: readonly {
    readonly key: unknown;
    readonly value: unknown;
    readonly timestamp?: string;
    readonly headers: Readonly<Record<string, unknown>>;
  }[];
}

class NotingProducer {
  readonly letters: Letter[] = [];

  async send(letter: Letter): Promise<void> {
    this.letters.push(letter);
  }

  get only(): Letter["messages"][number] {
    const [message] = this.letters.flatMap(({ messages }) => messages);
    expect(this.letters).toHaveLength(1);
    if (message === undefined) throw new Error("nothing was sent");
    return message;
  }
}

const record: KafkaRecord = {
  key: Buffer.from("account-7"),
  value: Buffer.from("{}"),
  offset: "42",
  timestamp: "1700000000000",
  headers: { id: Buffer.from("p-1") },
};

function messageOf(message: KafkaRecord): KafkaMessage {
  return {
    topic: "payments",
    partition: 3,
    message,
    heartbeat: async () => undefined,
    pause: () => () => undefined,
  };
}

async function letterOf(
  more: Partial<KafkaRecord>,
  why: { readonly error?: unknown; readonly attempt?: number; readonly traceparent?: string } = {},
): Promise<Letter["messages"][number]> {
  const producer = new NotingProducer();
  const given = { error: new PermanentError("no such account"), attempt: 10, ...why };
  await deadLetterTo(producer, "payments.dead")(messageOf({ ...record, ...more }), given);
  return producer.only;
}

describe("a dead letter", () => {
  it("keeps key, value, headers and timestamp, and says why, after how many attempts and from where", async () => {
    const letter = await letterOf({});
    expect(letter).toMatchObject({ key: record.key, value: record.value });
    expect(letter.timestamp).toBe("1700000000000");
    expect({ ...letter.headers }).toEqual({
      id: Buffer.from("p-1"),
      "x-onlyonce-reason": "PermanentError: no such account",
      "x-onlyonce-attempt": "10",
      "x-onlyonce-topic": "payments",
      "x-onlyonce-partition": "3",
      "x-onlyonce-offset": "42",
      "x-onlyonce-timestamp": "1700000000000",
    });
  });

  it("keeps the trace context of its message, names the span in which that failed, and leaves the record alone", async () => {
    const headers = { traceparent: Buffer.from(OWN), tracestate: Buffer.from("a=1") };
    const letter = await letterOf({ headers }, { traceparent: FAILED_IN });
    expect(letter.headers).toMatchObject({
      ...headers,
      "x-onlyonce-traceparent": FAILED_IN,
      "x-onlyonce-original-traceparent": Buffer.from(OWN),
    });
    expect(Object.keys(headers)).toEqual(["traceparent", "tracestate"]);
  });

  it.each<[string, KafkaRecord["headers"]]>([
    ["no headers", undefined],
    ["no traceparent", {}],
    ["an empty traceparent", { traceparent: "" }],
  ])(
    "of a message with %s gets the trace context of the span in which it failed",
    async (_, headers) => {
      const { key, value, offset, timestamp } = record;
      const producer = new NotingProducer();
      const bare: KafkaRecord = { key: key ?? null, value, offset, timestamp };
      const message = headers === undefined ? bare : { ...bare, headers };
      const why = { error: new Error("declined"), attempt: 1, traceparent: FAILED_IN };
      await deadLetterTo(producer, "payments.dead")(messageOf(message), why);
      expect(producer.only.headers.traceparent).toBe(FAILED_IN);
      expect(producer.only.headers["x-onlyonce-traceparent"]).toBe(FAILED_IN);
    },
  );

  it("of a dead letter that was sent again and failed again tells of the last time only", async () => {
    const headers = { id: "p-1", "x-onlyonce-topic": "elsewhere", "x-onlyonce-traceparent": OWN };
    const letter = await letterOf({ headers });
    expect(letter.headers).toMatchObject({ id: "p-1", "x-onlyonce-topic": "payments" });
    expect(letter.headers).not.toHaveProperty("x-onlyonce-traceparent");
  });

  it("keeps a null key, a tombstone, repeated headers and headers of any name; null ones become empty", async () => {
    const headers: { [name: string]: NonNullable<KafkaRecord["headers"]>[string] } = JSON.parse(
      '{ "__proto__": "x", "constructor": "y", "empty": null, "twice": ["1", "2"] }',
    );
    const letter = await letterOf({ key: null, value: null, headers });
    expect(letter).toMatchObject({ key: null, value: null });
    const kept = Object.entries(letter.headers).filter(([name]) => !name.startsWith("x-onlyonce-"));
    expect(kept).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
      ["empty", ""],
      ["twice", ["1", "2"]],
    ]);
  });

  it("of a record without a timestamp gets a new one from the broker", async () => {
    expect(await letterOf({ timestamp: "-1" })).not.toHaveProperty("timestamp");
  });

  it("gets out whatever the handler threw", async () => {
    const reasons: unknown[] = [];
    for (const error of [undefined, "no", Object.create(null), new Error("x".repeat(5_000))]) {
      const { headers } = await letterOf({}, { error });
      reasons.push(headers["x-onlyonce-reason"]);
    }
    expect(reasons.slice(0, 3)).toEqual(["undefined", "no", "an error that cannot be shown"]);
    expect(reasons[3]).toHaveLength(1_000);
  });

  it("goes to a topic that may depend on the message's, and never back to that", async () => {
    const producer = new NotingProducer();
    const why = { error: new Error("declined"), attempt: 1 };
    await deadLetterTo(producer, (topic) => `${topic}.dead`)(messageOf(record), why);
    expect(producer.letters.map(({ topic }) => topic)).toEqual(["payments.dead"]);
    await expect(deadLetterTo(producer, "payments")(messageOf(record), why)).rejects.toThrow(
      'dead letters of "payments" must go to another topic',
    );
    await expect(deadLetterTo(producer, () => "")(messageOf(record), why)).rejects.toThrow(
      'topic must be the name of a topic, got ""',
    );
    expect(producer.letters).toHaveLength(1);
  });

  it("is refused for what is no producer, or no topic", () => {
    const build = (...args: readonly unknown[]): unknown =>
      Reflect.apply(deadLetterTo, undefined, args);
    expect(() => build(null, "dead")).toThrow("producer must be an object, got null");
    expect(() => build({}, "dead")).toThrow("producer.send must be a function, got undefined");
    expect(() => build(new NotingProducer(), "")).toThrow(
      'topic must be the name of a topic, got ""',
    );
  });
});

describe("a dead letter, with kafkajs on a real broker", () => {
  it("is read with the message's key, value, headers and timestamp, the reason, the attempt and both spans", async () => {
    const [topic, dead] = [await newTopic(), await newTopic()];
    const groupId = newGroup();
    const timestamp = String(Date.now() - 60_000);
    const headers: IHeaders = { "idempotency-key": "p-1", twice: ["1", "2"], traceparent: OWN };
    await send(topic, [{ key: "account-7", value: "bad", headers, timestamp }]);
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const tracing: Observer = { traceparent: () => FAILED_IN };
    const member = await join({
      topics: [topic],
      groupId,
      policy: { maxAttempts: 2 },
      observers: [tracing],
      options: { retryDelayMs: () => 50, deadLetter: deadLetterTo(producer, dead) },
      eachMessage: async () => {
        throw new TypeError("no such property");
      },
    });
    await reaches(groupId, topic, 1);
    const letter = await firstOf(dead);
    expect(String(letter.key)).toBe("account-7");
    expect(String(letter.value)).toBe("bad");
    expect(letter.timestamp).toBe(timestamp);
    expect(textOf(letter.headers)).toEqual({
      "idempotency-key": "p-1",
      twice: ["1", "2"],
      traceparent: OWN,
      "x-onlyonce-reason": "TypeError: no such property",
      "x-onlyonce-attempt": "2",
      "x-onlyonce-topic": topic,
      "x-onlyonce-partition": "0",
      "x-onlyonce-offset": "0",
      "x-onlyonce-timestamp": timestamp,
      "x-onlyonce-traceparent": FAILED_IN,
      "x-onlyonce-original-traceparent": OWN,
    });
    expect(member.observer.names()).toEqual(["failed", "failed:poison"]);
    expect(member.crashes).toEqual([]);
  });

  it("that its producer cannot send leaves the message unresolved, and goes out once it can", async () => {
    const [topic, dead] = [await newTopic(), await newTopic()];
    const groupId = newGroup();
    await send(topic, [{ value: "bad", headers: { "idempotency-key": "p-1" } }]);
    const producer = kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 0 } });
    onTestFinished(() => producer.disconnect());
    const failing = (): Promise<void> => Promise.reject(new PermanentError("no such account"));
    const options = { deadLetter: deadLetterTo(producer, dead) };
    const first = await join({ topics: [topic], groupId, options, eachMessage: failing });
    await expect
      .poll(() => first.observer.incidents.map(({ kind }) => kind), { timeout: LIMIT_MS })
      .toEqual(["dead_letter_failed"]);
    await first.close();
    await producer.connect();
    await join({ topics: [topic], groupId, options, eachMessage: failing });
    await reaches(groupId, topic, 1);
    expect(textOf((await firstOf(dead)).headers)).toMatchObject({ "x-onlyonce-attempt": "2" });
    expect(first.crashes).toEqual([]);
  });
});

async function firstOf(topic: string): Promise<ReadMessage> {
  const consumer = kafka.consumer({ groupId: newGroup(), maxWaitTimeInMs: 100 });
  onTestFinished(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  return new Promise((resolve, reject) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(message) }).catch(reject);
  });
}

function textOf(headers: IHeaders | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(String) : String(value),
    ]),
  );
}
