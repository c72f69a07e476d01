// Runs the guide's loop on a real stream until the message "last" was handled, and says what happened.
import { createDeduplicator, header, PermanentError } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Consumer, type Message } from "@platformatic/kafka";
import { Redis } from "ioredis";
import { consumeGuarded } from "./consume-guarded.js";

interface Settings {
  readonly brokers: string[];
  readonly topic: string;
  readonly groupId: string;
  readonly redisUrl: string;
  readonly prefix: string;
}

const given: Settings = JSON.parse(process.argv[2] ?? "{}");
const redis = new Redis(given.redisUrl);
const outcomes: string[] = [];
const stopping = new AbortController();
const dedup = createDeduplicator({
  store: redisStore(redis, { prefix: given.prefix }),
  scope: "billing",
  defaults: { key: header("id"), ackTimeoutMs: 60_000 },
  observers: [{ outcome: ({ outcome }) => void outcomes.push(outcome) }],
});
const consumer = new Consumer({
  clientId: "guide",
  groupId: given.groupId,
  bootstrapBrokers: given.brokers,
});
const stream = await consumer.consume({
  topics: [given.topic],
  autocommit: false,
  mode: "committed",
  fallbackMode: "earliest",
  maxWaitTime: 200,
});

const ran: string[] = [];
const dead: string[] = [];
await consumeGuarded(
  dedup,
  watched(),
  async ({ value }, { attempt }) => {
    const text = String(value ?? "tombstone");
    ran.push(`${text} ${attempt}`);
    if (text === "fails once" && attempt === 1) throw new Error("declined");
    if (text === "never works") throw new PermanentError("no such account");
  },
  async ({ value }, error) => void dead.push(`${value}: ${error}`),
  stopping.signal,
);
await stream.close();
await consumer.close(true);
await dedup.close();
await redis.quit();
console.log(JSON.stringify({ ran, outcomes, dead }));

/** The stream, left after the message "last". */
async function* watched(): AsyncGenerator<Message> {
  for await (const message of stream) {
    yield message;
    if (String(message.value) === "last") return;
  }
}
