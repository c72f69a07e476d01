import { randomBytes } from "node:crypto";
import { type Admin, Kafka, type KafkaMessage, logLevel, type Message } from "kafkajs";
import { inject, type TestContext } from "vitest";
import { Child } from "../children/child.js";
import type { OrdersSettings } from "../children/orders-main.js";
// Brings the type of what its setup provides.
import type {} from "../confluent/setup.js";
import { until } from "../servers/deadline.js";
import type { Sent } from "./order-history.js";

/** Long enough for a machine that does much else, in milliseconds. */
const PATIENCE_MS = 60_000;

export const SESSION_MS = 6_000;
export const LEASE_MS = 2_000;

interface GroupOptions {
  /** @defaultValue the broker of this run */
  readonly brokers?: readonly string[];
  /** @defaultValue 1 */
  readonly partitions?: number;
  /** @defaultValue 1 */
  readonly replicas?: number;
}

/** A topic of the test's own, its producer, and the members of one consumer group as child processes. */
export class OrdersGroup {
  readonly topic: string;
  readonly groupId: string;
  readonly sent: Sent[] = [];
  readonly members: Child[] = [];
  readonly kafka: Kafka;
  readonly #brokers: readonly string[];
  readonly #topics: string[];
  readonly #prefix: string;
  readonly #partitions: number;
  readonly #replicas: number;

  private constructor(options: GroupOptions) {
    const name = randomBytes(6).toString("hex");
    this.topic = `orders-${name}`;
    this.#topics = [this.topic];
    this.groupId = `shipping-${name}`;
    this.#prefix = `t${name}:`;
    this.#brokers = options.brokers ?? inject("kafkaBrokers").split(",");
    this.#partitions = options.partitions ?? 1;
    this.#replicas = options.replicas ?? 1;
    this.kafka = new Kafka({ brokers: [...this.#brokers], logLevel: logLevel.NOTHING });
  }

  static async open(
    { onTestFinished }: TestContext,
    options: GroupOptions = {},
  ): Promise<OrdersGroup> {
    const group = new OrdersGroup(options);
    await group.createTopic();
    onTestFinished(async () => {
      await Promise.all(group.members.map((member) => member.kill()));
      // A broker of the test's own may have ended before.
      if (options.brokers === undefined) await group.deleteTopic();
    });
    return group;
  }

  /** Starts a member; it says "ready" when it has joined. */
  member(given: Partial<OrdersSettings> = {}): Child {
    const member = new Child("orders", {
      brokers: this.#brokers,
      redisUrl: inject("redisUrl"),
      prefix: this.#prefix,
      topic: this.topic,
      groupId: this.groupId,
      sessionTimeoutMs: SESSION_MS,
      maxWaitTimeInMs: 300,
      policy: { ackTimeoutMs: 60_000, leaseMs: LEASE_MS, busyWaitMs: 5_000, windowMs: 300_000 },
      holds: false,
      confluentFolder: inject("confluentFolder"),
      ...given,
    } satisfies OrdersSettings);
    this.members.push(member);
    return member;
  }

  /** Appends one record per id, in this order, and waits until they are durable. */
  async send(ids: readonly string[], partition = 0): Promise<void> {
    await this.append(
      ids.map((id) => ({ partition, value: `order ${id}`, headers: { id } })),
      ids,
    );
  }

  /** Appends records of any shape. `ids`: what their handlers will say, one each. */
  async append(messages: readonly Message[], ids: readonly string[]): Promise<void> {
    const producer = this.kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    try {
      await producer.send({ topic: this.topic, messages: [...messages] });
    } finally {
      await producer.disconnect();
    }
    this.sent.push(...ids.map((id, place) => ({ id, partition: messages[place]?.partition ?? 0 })));
  }

  /** Makes a topic for dead letters, which is deleted with the group's own. */
  async createDeadLetterTopic(): Promise<string> {
    const topic = `${this.topic}-dead`;
    await this.createTopic(topic);
    this.#topics.push(topic);
    return topic;
  }

  createTopic(topic: string = this.topic): Promise<void> {
    return this.asAdmin(async (admin) => {
      const shape = { numPartitions: this.#partitions, replicationFactor: this.#replicas };
      // Refused while a topic of this name is still being deleted.
      await until(() => admin.createTopics({ topics: [{ topic, ...shape }] }), {
        what: `Creating topic ${topic}`,
        limitMs: PATIENCE_MS,
      });
    });
  }

  deleteTopic(): Promise<void> {
    return this.asAdmin((admin) => admin.deleteTopics({ topics: this.#topics }));
  }

  /** Waits until the group has committed the end of every partition (I4). */
  async caughtUp(): Promise<void> {
    await this.asAdmin((admin) =>
      until(async () => ((await isCaughtUp(admin, this)) ? true : undefined), {
        what: `Catching up of ${this.groupId}`,
        limitMs: PATIENCE_MS,
        everyMs: 200,
      }),
    );
  }

  /** The first records of a topic with one partition, as kafkajs reads them. */
  async read(
    { onTestFinished }: TestContext,
    topic: string,
    count: number,
  ): Promise<readonly KafkaMessage[]> {
    const reader = this.kafka.consumer({ groupId: `reader-of-${topic}`, maxWaitTimeInMs: 200 });
    onTestFinished(() => reader.disconnect());
    await reader.connect();
    await reader.subscribe({ topics: [topic], fromBeginning: true });
    const found: KafkaMessage[] = [];
    await reader.run({ eachMessage: async ({ message }) => void found.push(message) });
    return until(() => (found.length < count ? undefined : found), {
      what: `Reading ${topic}`,
      limitMs: PATIENCE_MS,
    });
  }

  async asAdmin<Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

async function isCaughtUp(admin: Admin, { topic, groupId }: OrdersGroup): Promise<boolean> {
  const ends = await admin.fetchTopicOffsets(topic);
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return ends.every(({ partition, offset }) => {
    const found = committed?.partitions.find((candidate) => candidate.partition === partition);
    return (found?.offset === "-1" ? "0" : found?.offset) === offset;
  });
}
