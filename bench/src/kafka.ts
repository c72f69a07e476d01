import { createDeduplicator, type Observer } from "@onlyonce/core";
import { kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { findService } from "@onlyonce/test/servers";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { hold, type Scenario, type ScenarioResult } from "./contest.js";
import { countFor, type Effort } from "./effort.js";
import { type Consume, TopicRace } from "./topic-race.js";

const PARTITIONS = [1, 6] as const;
const DUPLICATE_PERCENTS = [0, 10, 100] as const;
/** What the handler does, and how many records a round has. */
const WORK = {
  nothing: { records: 20_000, handler: async (): Promise<void> => undefined },
  "1 ms of I/O": { records: 2_000, handler: waitOneMs },
} as const;

type Work = (typeof WORK)[keyof typeof WORK];

export function topicName(partitions: number, duplicatePercent: number, work: string): string {
  return `${partitions} partitions, ${duplicatePercent} % duplicates, handler does ${work}`;
}

/**
 * What does a guarded consumer cost? It reads records of 1 KiB from a real broker beside a bare kafkajs consumer, whose
 * handler runs for duplicates too. A handler that does nothing is the harshest measure: every microsecond of the guard
 * counts.
 */
export async function kafka(
  effort: Effort,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  const [broker, server] = [await findService("kafka"), await findService("redis")];
  const redis = new Redis(server.endpoint);
  const client = new Kafka({ brokers: broker.endpoint.split(","), logLevel: logLevel.NOTHING });
  try {
    for (const partitions of PARTITIONS) {
      for (const percent of DUPLICATE_PERCENTS) {
        for (const [name, work] of Object.entries(WORK)) {
          const race = new TopicRace(client, partitions, countFor(effort, work.records), percent);
          const title = topicName(partitions, percent, name);
          onResult(await hold(await scenario(title, race, work, partitions, redis), effort.rounds));
        }
      }
    }
  } finally {
    redis.disconnect();
    await broker.stop();
    await server.stop();
  }
}

async function scenario(
  name: string,
  race: TopicRace,
  work: Work,
  partitions: number,
  redis: Redis,
): Promise<Scenario> {
  const topic = "bench";
  const options = {
    store: redisStore(redis, { prefix: "b:" }),
    scope: "bench",
    defaults: { ackTimeoutMs: 60_000, windowMs: 600_000 },
  };
  const before = createDeduplicator(options);
  await race.forEachRemembered((id) =>
    before.isDuplicate({ topic, headers: { "idempotency-key": id } }),
  );
  return {
    name,
    unit: "messages/s",
    ours: {
      name: "onlyonce",
      round: () => race.round(guarded(options, topic, work, partitions)),
    },
    peers: [{ name: "bare", round: () => race.round(bare(work, partitions)) }],
  };
}

/** A record is through when its outcome is known: one offset each, so duplicates count too. */
function guarded(
  options: Parameters<typeof createDeduplicator>[0],
  guardedAs: string,
  { handler: eachMessage }: Work,
  partitionsConsumedConcurrently: number,
): Consume {
  return async (consumer, topic, onDone) => {
    const observer: Observer = { outcome: onDone };
    const deduplicator = createDeduplicator({ ...options, observers: [observer] });
    const config = { eachMessage, partitionsConsumedConcurrently };
    await consumer.run(kafkaRun(deduplicator, config, { guardAs: { [topic]: guardedAs } }));
  };
}

function bare({ handler }: Work, partitionsConsumedConcurrently: number): Consume {
  return async (consumer, _, onDone) => {
    await consumer.run({
      partitionsConsumedConcurrently,
      eachMessage: async () => {
        await handler();
        onDone();
      },
    });
  };
}

/** As long as a round trip to a service near by. */
function waitOneMs(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}
