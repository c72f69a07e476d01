import { createDeduplicator } from "@onlyonce/core";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import { redisStore } from "@onlyonce/redis";
import { findService } from "@onlyonce/test/servers";
import { type ChannelModel, type ConsumeMessage, connect } from "amqplib";
import { Redis } from "ioredis";
import { type Contestant, hold, type Scenario, type ScenarioResult } from "./contest.js";
import { countFor, type Effort } from "./effort.js";
import { type Consume, QueueRace } from "./queue-race.js";

const PREFETCHES = [1, 16, 256] as const;
const DUPLICATE_PERCENTS = [0, 10, 100] as const;
const MESSAGES = { 1: 1_500, 16: 6_000, 256: 12_000 } as const;

export function prefetchName(prefetch: number, duplicatePercent: number): string {
  return `prefetch ${prefetch}, ${duplicatePercent} % duplicates`;
}

/**
 * What does a guarded consumer cost? It drains a queue of messages of 1 KiB beside a bare one, with a handler that does
 * nothing: the harshest measure, because every microsecond of the guard counts. Beside them the unsafe EXISTS and SETEX.
 */
export async function rabbitmq(
  effort: Effort,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  const [broker, server] = [await findService("rabbitmq"), await findService("redis")];
  const clients = [new Redis(server.endpoint), new Redis(server.endpoint)] as const;
  let connection: ChannelModel | undefined;
  try {
    connection = await connect(broker.endpoint);
    for (const prefetch of PREFETCHES) {
      for (const percent of DUPLICATE_PERCENTS) {
        const race = new QueueRace(connection, countFor(effort, MESSAGES[prefetch]), percent);
        onResult(await hold(await scenario(race, prefetch, percent, clients), effort.rounds));
      }
    }
  } finally {
    await connection?.close();
    for (const client of clients) client.disconnect();
    await broker.stop();
    await server.stop();
  }
}

async function scenario(
  race: QueueRace,
  prefetch: number,
  percent: number,
  [ours, theirs]: readonly [Redis, Redis],
): Promise<Scenario> {
  const entrant = (name: string, consume: Consume): Contestant => ({
    name,
    round: () => race.round(consume),
  });
  const { remember, consume } = guarded(ours, prefetch);
  await race.forEachRemembered(remember);
  await race.forEachRemembered((id) => theirs.setex(unsafeKey(id), 600, "1"));
  return {
    name: prefetchName(prefetch, percent),
    unit: "messages/s",
    ours: entrant("onlyonce", consume),
    peers: [entrant("bare", bare(prefetch)), entrant("exists_setex", unsafe(theirs, prefetch))],
  };
}

async function nothing(_message: ConsumeMessage): Promise<void> {}

function guarded(
  redis: Redis,
  prefetch: number,
): { readonly consume: Consume; readonly remember: (id: string) => Promise<unknown> } {
  const topic = "bench";
  const deduplicator = createDeduplicator({
    store: redisStore(redis, { prefix: "b:" }),
    scope: "bench",
    defaults: { ackTimeoutMs: 60_000, windowMs: 600_000 },
  });
  return {
    remember: (id) => deduplicator.isDuplicate({ topic, id }),
    async consume(channel, queue) {
      await rabbitConsume(deduplicator, channel, queue, nothing, { prefetch, guardAs: topic });
    },
  };
}

function bare(prefetch: number): Consume {
  return async (channel, queue) => {
    await channel.prefetch(prefetch);
    await channel.consume(queue, (message) => {
      if (message !== null) void nothing(message).then(() => channel.ack(message));
    });
  };
}

/** What most people write: two consumers pass it together, and a crash between handler and SETEX repeats the effect. */
function unsafe(redis: Redis, prefetch: number): Consume {
  return async (channel, queue) => {
    const take = async (message: ConsumeMessage): Promise<void> => {
      const key = unsafeKey(String(message.properties.messageId));
      if ((await redis.exists(key)) === 0) {
        await nothing(message);
        await redis.setex(key, 600, "1");
      }
      channel.ack(message);
    };
    await channel.prefetch(prefetch);
    await channel.consume(queue, (message) => {
      if (message !== null) void take(message);
    });
  };
}

function unsafeKey(id: string): string {
  return `b:unsafe:${id}`;
}
