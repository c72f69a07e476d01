import { appendFileSync } from "node:fs";
import { type Admin, Kafka, type logCreator, Partitioners, type Producer } from "kafkajs";
import type { Broker } from "./broker.js";
import type { Copy } from "./workload.js";

export interface OrdersTopicOptions {
  readonly brokers: string;
  readonly source: string;
  readonly group: string;
  readonly partitions: number;
  /** Gets what the client logs. */
  readonly clientLog: string;
}

/** A Kafka topic of orders. */
export class OrdersTopic implements Broker {
  readonly source: string;
  readonly #group: string;
  readonly #partitions: number;
  readonly #admin: Admin;
  readonly #producer: Producer;

  private constructor(options: OrdersTopicOptions, admin: Admin, producer: Producer) {
    this.source = options.source;
    this.#group = options.group;
    this.#partitions = options.partitions;
    this.#admin = admin;
    this.#producer = producer;
  }

  static async create(options: OrdersTopicOptions): Promise<OrdersTopic> {
    const kafka = new Kafka({
      clientId: "onlyonce-demo",
      brokers: options.brokers.split(","),
      logCreator: logTo(options.clientLog),
    });
    const admin = kafka.admin();
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await Promise.all([admin.connect(), producer.connect()]);
    const topic = { topic: options.source, numPartitions: options.partitions };
    await admin.createTopics({ topics: [topic], waitForLeaders: true });
    return new OrdersTopic(options, admin, producer);
  }

  async publish(copies: readonly Copy[]): Promise<void> {
    const messages = copies.map(({ copyId, task, place }) => ({
      partition: Math.floor(place * this.#partitions),
      value: JSON.stringify(task),
      headers: { "idempotency-key": task.id, "copy-id": copyId },
    }));
    await this.#producer.send({ topic: this.source, messages });
  }

  async left(): Promise<number> {
    const [ends, [committed]] = await Promise.all([
      this.#admin.fetchTopicOffsets(this.source),
      this.#admin.fetchOffsets({ groupId: this.#group, topics: [this.source] }),
    ]);
    let left = 0;
    for (const { partition, high, low } of ends) {
      const offset = committed?.partitions.find((one) => one.partition === partition)?.offset;
      // -1: nothing was ever committed.
      left += Number(high) - Math.max(Number(low), Number(offset ?? -1));
    }
    return left;
  }

  async remove(): Promise<void> {
    await this.#admin.deleteTopics({ topics: [this.source] });
    await this.#admin.deleteGroups([this.#group]).catch(() => {
      // Never joined, or not empty yet: the broker forgets it by itself.
    });
    await Promise.all([this.#producer.disconnect(), this.#admin.disconnect()]);
  }
}

function logTo(path: string): logCreator {
  return () =>
    ({ label, namespace, log: { message, ...details } }) =>
      appendFileSync(path, `${label} ${namespace} ${message} ${JSON.stringify(details)}\n`);
}
