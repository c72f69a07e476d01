import type { DeadLetterReason } from "@onlyonce/core/adapter";
import { quote, requireFunction, requireObject } from "@onlyonce/core/internal";
import type { KafkaMessage } from "./payload.js";
import type { KafkaHeader, KafkaRecord } from "./record.js";

/** What `deadLetterTo` needs of a producer. Those of kafkajs and of KafkaJS-compatible clients have it. */
export interface DeadLetterProducer {
  send(record: never): Promise<unknown>;
}

type CopiedHeader = Exclude<KafkaHeader, null | undefined>;
type CopiedHeaders = Readonly<Record<string, CopiedHeader>>;

const PREFIX = "x-onlyonce-";

/** Error messages may be as long as what they complain of; a header is for a look at it. */
const LONGEST_REASON = 1_000;

/**
 * A `deadLetter` option that sends the message to a topic of its own, through a producer that is connected. It keeps key,
 * value, headers and timestamp. A null header becomes an empty one, because kafkajs cannot send null.
 *
 * | header | holds |
 * |---|---|
 * | `x-onlyonce-reason` | name and text of the error, 1,000 characters of it at most |
 * | `x-onlyonce-attempt` | the last attempt; 0 where the handler never ran (a conflict, a missing key) |
 * | `x-onlyonce-topic`, `-partition`, `-offset`, `-timestamp` | where the message was |
 * | `x-onlyonce-traceparent` | the span in which it failed, where an observer knows one |
 * | `x-onlyonce-original-traceparent` | the message's own `traceparent`: an instrumented producer replaces that |
 * | `traceparent` | the message's own; where it has none, the span in which it failed |
 *
 * Resolves when `send` does, so the producer must ask all replicas (`acks: -1`, the default). It may be sent twice when the
 * process dies in between. Retention counts from the record's timestamp: give the topic
 * `message.timestamp.type=LogAppendTime`, or old messages are deleted soon after they came.
 *
 * `topic` names the topic, or makes its name of the name of the message's. It must be another one, or the message would go
 * round for ever: then, and where the name is invalid, the returned function rejects, and the message stays where it is.
 *
 * @throws TypeError for something that is no producer, or no name of a topic.
 *
 * @example
 * kafkaRun(dedup, { eachMessage }, { deadLetter: deadLetterTo(producer, (topic) => `${topic}.dead`) });
 */
export function deadLetterTo(
  producer: DeadLetterProducer,
  topic: string | ((topic: string) => string),
): (message: KafkaMessage, why: DeadLetterReason) => Promise<void> {
  requireObject("producer", producer);
  requireFunction("producer.send", producer.send);
  if (typeof topic !== "function") requireTopic(topic);
  return async ({ topic: from, partition, message }, why) => {
    const to: unknown = typeof topic === "function" ? topic(from) : topic;
    requireTopic(to);
    if (to === from) {
      throw new Error(
        `dead letters of ${quote(from)} must go to another topic: they would go round`,
      );
    }
    const { key = null, value, timestamp } = message;
    const origin = { topic: from, partition, offset: message.offset, timestamp };
    const letter = {
      key,
      value,
      headers: headersOf(message, origin, why),
      // Records of the oldest formats have none, which clients show as -1.
      ...(Number(timestamp) >= 0 && { timestamp }),
    };
    await producer.send({ topic: to, messages: [letter] } as never);
  };
}

function requireTopic(topic: unknown): asserts topic is string {
  if (typeof topic !== "string" || topic === "") {
    throw new TypeError(`topic must be the name of a topic, got ${quote(topic)}`);
  }
}

function headersOf(
  { headers = {} }: KafkaRecord,
  origin: Readonly<Record<string, string | number>>,
  { error, attempt, traceparent: failedIn }: DeadLetterReason,
): CopiedHeaders {
  // Without a prototype a header may have any name.
  const copied = Object.create(null) as Record<string, CopiedHeader>;
  for (const name of Object.keys(headers)) {
    // What an earlier dead lettering wrote no longer holds.
    if (!name.startsWith(PREFIX)) copied[name] = copyOf(headers[name]);
  }
  const own = copied.traceparent;
  const noted = {
    reason: reasonOf(error),
    attempt,
    ...origin,
    traceparent: failedIn,
    "original-traceparent": own,
  };
  for (const [name, value] of Object.entries(noted)) {
    if (value === undefined) continue;
    copied[`${PREFIX}${name}`] = typeof value === "number" ? String(value) : value;
  }
  if (failedIn !== undefined && (own === undefined || own.length === 0)) {
    copied.traceparent = failedIn;
  }
  return copied;
}

function copyOf(value: KafkaHeader): CopiedHeader {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.flatMap((item: KafkaHeader) => item ?? "") : value;
}

/** Never throws: whatever a handler threw, its message must get out. */
function reasonOf(error: unknown): string {
  try {
    return String(error).slice(0, LONGEST_REASON);
  } catch {
    return "an error that cannot be shown";
  }
}
