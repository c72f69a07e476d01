import { randomBytes, randomUUID } from "node:crypto";
import { type Consumer, type Kafka, Partitioners } from "kafkajs";

const BODY = randomBytes(1024);
/** Records of one produce request, and keys that are remembered at once. */
const CHUNK = 500;

/** Starts a consumer that tells of each record once it is through with it. */
export type Consume = (consumer: Consumer, topic: string, onDone: () => void) => Promise<void>;

/** A topic full of records, read against the clock. Part of the records are copies of ones that were processed before. */
export class TopicRace {
  readonly #kafka: Kafka;
  readonly #partitions: number;
  readonly #records: number;
  readonly #duplicatePercent: number;
  readonly #run = randomUUID();

  constructor(kafka: Kafka, partitions: number, records: number, duplicatePercent: number) {
    this.#kafka = kafka;
    this.#partitions = partitions;
    this.#records = records;
    this.#duplicatePercent = duplicatePercent;
  }

  /** Lets the contestants remember what will come again. */
  async forEachRemembered(remember: (id: string) => Promise<unknown>): Promise<void> {
    const ids = this.#ids("").filter((id) => id.startsWith(this.#run));
    for (let start = 0; start < ids.length; start += CHUNK) {
      await Promise.all(ids.slice(start, start + CHUNK).map(remember));
    }
  }

  /** Fills a topic, and tells how many records a second were read from it, the first one to the last. */
  async round(consume: Consume): Promise<number> {
    const topic = `bench-${randomUUID()}`;
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      await admin.createTopics({ topics: [{ topic, numPartitions: this.#partitions }] });
      await this.#fill(topic);
      return await this.#read(topic, consume);
    } finally {
      await admin.deleteTopics({ topics: [topic] });
      await admin.disconnect();
    }
  }

  async #read(topic: string, consume: Consume): Promise<number> {
    const consumer = this.#kafka.consumer({
      groupId: `${topic}-readers`,
      maxWaitTimeInMs: 50,
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    let startMs = 0;
    consumer.on(consumer.events.FETCH_START, () => {
      startMs ||= performance.now();
    });
    let left = this.#records;
    try {
      await new Promise<void>((resolve, reject) => {
        const onDone = (): void => {
          left -= 1;
          if (left === 0) resolve();
        };
        consume(consumer, topic, onDone).catch(reject);
      });
      return this.#records / ((performance.now() - startMs) / 1000);
    } finally {
      await consumer.disconnect();
    }
  }

  async #fill(topic: string): Promise<void> {
    const producer = this.#kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const ids = this.#ids(randomUUID());
    for (let start = 0; start < ids.length; start += CHUNK) {
      const messages = ids.slice(start, start + CHUNK).map((id, i) => ({
        value: BODY,
        partition: (start + i) % this.#partitions,
        headers: { "idempotency-key": id },
      }));
      await producer.send({ topic, messages });
    }
    await producer.disconnect();
  }

  /** Spread evenly: remembered ones are the same in every round, the others are new. */
  #ids(round: string): string[] {
    return Array.from({ length: this.#records }, (_, i) =>
      (i * 37) % 100 < this.#duplicatePercent ? `${this.#run}-${i}` : `${round}-${i}`,
    );
  }
}
