import { randomUUID } from "node:crypto";
import {
  type Context,
  createDeduplicator,
  type Deduplicator,
  type Observer,
  type Store,
  type TopicPolicy,
} from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { RecordingObserver } from "@onlyonce/testing";
import { Redis } from "ioredis";
import { type Consumer, type ConsumerConfig, Kafka, logLevel, type Message } from "kafkajs";
import { expect, inject, onTestFinished } from "vitest";
import {
  type KafkaMessage,
  type KafkaRecords,
  type KafkaRunOptions,
  kafkaRun,
} from "../src/index.js";

export const kafka: Kafka = new Kafka({
  brokers: inject("kafkaBrokers").split(","),
  clientId: "onlyonce-kafka-test",
  logLevel: logLevel.NOTHING,
});

/** Ends within so long, or the test fails, in milliseconds. */
export const LIMIT_MS = 30_000;

/** A topic of the test's own, deleted afterwards. */
export async function newTopic(partitions = 1): Promise<string> {
  const topic = `t-${randomUUID()}`;
  const admin = kafka.admin();
  await admin.connect();
  onTestFinished(async () => {
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();
  });
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions }],
    waitForLeaders: false,
  });
  // kafkajs' own wait gives up where the broker does not know the topic yet.
  const leaders = async (): Promise<number> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics.flatMap((each) => each.partitions.filter(({ leader }) => leader >= 0)).length;
  };
  await expect
    .poll(() => leaders().catch(() => 0), { timeout: LIMIT_MS, interval: 50 })
    .toBe(partitions);
  return topic;
}

/** A message with the id that the default key strategy finds. */
export function message(id: string, partition = 0): Message {
  return { partition, key: null, value: id, headers: { "idempotency-key": id } };
}

/** Stored once each and in order: the broker drops what the producer sends again. */
export async function send(topic: string, messages: Message[]): Promise<void> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  try {
    await producer.send({ topic, messages });
  } finally {
    await producer.disconnect();
  }
}

export interface MemberOptions {
  readonly topics: readonly string[];
  readonly groupId: string;
  readonly eachMessage?: (payload: KafkaMessage, context: Context) => Promise<void>;
  /** Instead of `eachMessage`. */
  readonly eachBatch?: (payload: KafkaRecords) => Promise<void>;
  readonly store?: Store;
  readonly policy?: TopicPolicy;
  /** Beside the one that records. */
  readonly observers?: readonly Observer[];
  readonly run?: {
    readonly partitionsConsumedConcurrently?: number;
    readonly autoCommitThreshold?: number;
  };
  readonly options?: KafkaRunOptions;
  readonly consumer?: Omit<ConsumerConfig, "groupId">;
}

/** One guarded consumer of a group. */
export interface Member {
  readonly consumer: Consumer;
  readonly deduplicator: Deduplicator;
  readonly observer: RecordingObserver;
  /** The errors that took the consumer down; empty unless something is wrong. */
  readonly crashes: Error[];
  /** The partitions of its last assignment, of all topics. */
  assigned(): readonly number[];
  /** Stops and disconnects the consumer, then closes the deduplicator. May be called twice. */
  close(): Promise<void>;
}

/** Short enough for tests to wait for, long enough for a busy machine. */
const SHORT: TopicPolicy = { ackTimeoutMs: 60_000, leaseMs: 3_000, busyWaitMs: 300 };

/** What production has by default: the test runner's environment makes kafkajs more patient. */
const RETRY = { retries: 5, initialRetryTime: 300, maxRetryTime: 30_000 };

/** A deduplicator in the scope of a group: a member's own, or that of somebody who holds its keys by hand. */
export function guard(
  groupId: string,
  given: {
    readonly store?: Store;
    readonly policy?: TopicPolicy;
    readonly observer?: RecordingObserver;
    readonly observers?: readonly Observer[];
  } = {},
): Deduplicator {
  return createDeduplicator({
    store: given.store ?? newStore(),
    scope: groupId,
    defaults: { ...SHORT, ...given.policy },
    observers: [given.observer ?? new RecordingObserver(), ...(given.observers ?? [])],
  });
}

/** Holds the key of `id` by hand until `end` is called; resolves once it is held. */
export async function hold(
  owner: Deduplicator,
  topic: string,
  id: string,
): Promise<{ end(error?: Error): Promise<void> }> {
  const gate = new Gate();
  const held = new Gate();
  const working = owner.process({ topic, headers: { "idempotency-key": id } }, async () => {
    held.open();
    const error = await gate.opened;
    if (error !== undefined) throw error;
  });
  await held.opened;
  return {
    async end(error) {
      gate.open(error);
      await working.catch((reason: unknown) => {
        if (reason !== error) throw reason;
      });
    },
  };
}

export async function join(given: MemberOptions): Promise<Member> {
  const observer = new RecordingObserver();
  const deduplicator = guard(given.groupId, { ...given, observer });
  const consumer = kafka.consumer({
    groupId: given.groupId,
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    rebalanceTimeout: 10_000,
    maxWaitTimeInMs: 100,
    retry: RETRY,
    ...given.consumer,
  });
  const crashes: Error[] = [];
  let partitions: number[] = [];
  consumer.on(consumer.events.CRASH, ({ payload }) => void crashes.push(payload.error));
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    partitions = Object.values(payload.memberAssignment).flat();
  });
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await consumer.disconnect();
    await deduplicator.close();
  };
  const member: Member = {
    consumer,
    deduplicator,
    observer,
    crashes,
    assigned: () => partitions,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
  onTestFinished(() => member.close());
  await consumer.connect();
  await consumer.subscribe({ topics: [...given.topics], fromBeginning: true });
  const { eachBatch, eachMessage = async () => undefined } = given;
  const handler = eachBatch === undefined ? { eachMessage } : { eachBatch };
  await consumer.run(kafkaRun(deduplicator, { ...handler, ...given.run }, given.options));
  return member;
}

/** A store on a connection of its own, as another process would have it. */
export function newStore(url: string = inject("redisUrl")): Store {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redisStore(redis, { prefix: "kafka:", commandTimeoutMs: 500 });
}

export function newGroup(): string {
  return `g-${randomUUID()}`;
}

/** The committed offset of a partition: where the group would go on; -1 if nothing was committed. */
export async function committed(groupId: string, topic: string, partition = 0): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const found = offsets?.partitions.find((candidate) => candidate.partition === partition);
    return Number(found?.offset ?? -1);
  } finally {
    await admin.disconnect();
  }
}

/** Waits until the group has committed `offset`, and checks that it goes no further. */
export async function reaches(
  groupId: string,
  topic: string,
  offset: number,
  partition = 0,
): Promise<void> {
  await expect
    .poll(() => committed(groupId, topic, partition), { timeout: LIMIT_MS, interval: 100 })
    .toBe(offset);
}

/** As if nothing had ever been committed. The group must have no members. */
export async function forgetOffsets(groupId: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.deleteGroups([groupId]);
  } finally {
    await admin.disconnect();
  }
}

/** A promise to be resolved from outside: holds a handler until the test lets it go. */
export class Gate {
  readonly opened: Promise<Error | undefined>;
  #open: (error?: Error) => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(error?: Error): void {
    this.#open(error);
  }
}
