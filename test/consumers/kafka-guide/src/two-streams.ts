// Runs the guide's loop in two members of a group, of which one joins while the other works, until all was handled.
import { createDeduplicator, header } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Consumer } from "@platformatic/kafka";
import { Redis } from "ioredis";
import { consumeGuarded } from "./consume-guarded.js";

interface Settings {
  readonly brokers: string[];
  readonly topic: string;
  readonly groupId: string;
  readonly redisUrl: string;
  readonly prefix: string;
  /** How many messages there are. */
  readonly count: number;
}

const given: Settings = JSON.parse(process.argv[2] ?? "{}");
const redis = new Redis(given.redisUrl);
const stopping = new AbortController();
const closing: (() => Promise<void>)[] = [];
/** What was run. */
const ran: string[] = [];
let processed = 0;
/** How many deliveries each member has brought to an end. */
const attended = { first: 0, second: 0 };
let hasJoined = false;

const first = work("first");
await until(() => processed >= 5);
const second = work("second");
await until(() => processed >= given.count && attended.second > 0);
stopping.abort();
await Promise.all(closing.map((close) => close()));
await Promise.all([first, second]);
await redis.quit();
console.log(JSON.stringify({ ran, attended }));

async function work(name: keyof typeof attended): Promise<void> {
  const dedup = createDeduplicator({
    store: redisStore(redis, { prefix: given.prefix }),
    scope: "billing",
    defaults: { key: header("id"), ackTimeoutMs: 60_000 },
    observers: [
      {
        outcome: ({ outcome }) => {
          attended[name] += 1;
          if (outcome === "processed") processed += 1;
        },
      },
    ],
  });
  const consumer = new Consumer({
    clientId: name,
    groupId: given.groupId,
    bootstrapBrokers: given.brokers,
    sessionTimeout: 10_000,
    heartbeatInterval: 500,
  });
  if (name === "second") {
    consumer.once("consumer:group:join", () => {
      hasJoined = true;
    });
  }
  while (!stopping.signal.aborted) {
    const stream = await consumer.consume({
      topics: [given.topic],
      autocommit: false,
      mode: "committed",
      fallbackMode: "earliest",
      maxWaitTime: 200,
    });
    closing.push(async () => stream.close().catch(() => undefined));
    try {
      await consumeGuarded(
        dedup,
        stream,
        async ({ value }) => {
          ran.push(String(value));
          // The group is rebalanced while the first member works, and has more in its hands.
          if (processed >= 5) await until(() => hasJoined);
        },
        async () => undefined,
        stopping.signal,
      );
    } catch {
      // A commit that failed has ended the stream: what it did not commit comes again.
    }
  }
  await consumer.close(true);
  await dedup.close();
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 20));
}
