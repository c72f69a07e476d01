import type { KeyStrategy } from "@onlyonce/core";
import type { Delivery } from "@onlyonce/core/adapter";
import { createKeyDigest, quote, requireFunction, requireObject } from "@onlyonce/core/internal";
import type { KafkaHeader } from "./record.js";

/** The header that core's default key strategy looks for first. */
const HEADER = "idempotency-key";

/** A record to be sent: what `stampKey` reads and adds. */
export interface OutgoingRecord {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: { readonly [name: string]: KafkaHeader };
}

interface TopicRecords {
  readonly topic: string;
  readonly messages: readonly OutgoingRecord[];
}

/** What `stampKey` needs of a producer. Those of kafkajs and of KafkaJS-compatible clients have it. */
export interface StampableProducer {
  send(record: never): Promise<unknown>;
  sendBatch(batch: never): Promise<unknown>;
  transaction?(...options: never): Promise<object>;
}

/**
 * A producer that gives every record a stable `idempotency-key` header, also in its transactions: the same event gets the
 * same key however often it is sent, so that a consumer which is guarded by `header("idempotency-key")` runs it once. A
 * header that is there already is never overwritten, nothing the caller passed is changed, and everything else of the
 * producer works as before.
 *
 * `strategy` must depend on the event alone (its id, not a random value or the time): use `jsonField`, a function, or
 * `payloadHash` where equal payloads are the same event. It sees topic, payload, record key and headers; what is written
 * is a digest of the topic and its key. Where it throws or finds no key, the whole `send` rejects before anything is sent.
 *
 * @throws TypeError for something that is no producer, or no strategy.
 *
 * @example
 * const producer = stampKey(kafka.producer({ idempotent: true }), jsonField("/payment/id"));
 */
export function stampKey<Producer extends StampableProducer>(
  producer: Producer,
  strategy: KeyStrategy,
): Producer {
  requireObject("producer", producer);
  requireFunction("producer.send", producer.send);
  requireFunction("producer.sendBatch", producer.sendBatch);
  requireFunction("strategy", strategy);
  return stamping(producer, strategy);
}

/** The same object to the caller, but for the calls that send. */
function stamping<Sender extends object>(sender: Sender, strategy: KeyStrategy): Sender {
  return new Proxy(sender, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const call = (...args: unknown[]): unknown => Reflect.apply(member, target, args);
      switch (name) {
        case "send":
          return async (record: TopicRecords) => call(stamped(record, strategy));
        case "sendBatch":
          return async (batch: { readonly topicMessages?: readonly TopicRecords[] }) =>
            call({
              ...batch,
              topicMessages: batch.topicMessages?.map((each) => stamped(each, strategy)),
            });
        case "transaction":
          return async (...args: unknown[]) => stamping((await call(...args)) as object, strategy);
        default:
          return call;
      }
    },
  });
}

function stamped(records: TopicRecords, strategy: KeyStrategy): TopicRecords {
  const messages = records.messages.map((message) => withKey(records.topic, message, strategy));
  return { ...records, messages };
}

function withKey(topic: string, message: OutgoingRecord, strategy: KeyStrategy): OutgoingRecord {
  const headers = message.headers ?? {};
  if (Object.entries(headers).some(([name, value]) => isStamp(name, value))) return message;
  return { ...message, headers: { ...headers, [HEADER]: stampOf(topic, message, strategy) } };
}

/** Names are compared as consumers do, and a header without content is none. */
function isStamp(name: string, value: KafkaHeader): boolean {
  if (name.toLowerCase() !== HEADER || value === null || value === undefined) return false;
  return value.length > 0;
}

function stampOf(
  topic: string,
  { key: recordKey, value, headers }: OutgoingRecord,
  strategy: KeyStrategy,
): string {
  const delivery: Delivery = {
    topic,
    ...(value !== null && value !== undefined && { payload: Buffer.from(value) }),
    ...(recordKey !== null && recordKey !== undefined && { recordKey }),
    ...(headers !== undefined && { headers }),
  };
  const id = createKeyDigest("kafka", topic)(strategy(delivery));
  if (id === undefined) {
    throw new TypeError(
      `the key strategy found no key in a message for topic ${quote(topic)}: nothing was sent`,
    );
  }
  return id;
}
