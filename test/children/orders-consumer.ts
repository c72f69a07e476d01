import { createRequire } from "node:module";
import { join } from "node:path";
import type { DeadLetterProducer, GuardedRun } from "@onlyonce/kafka";
import { Kafka, logLevel } from "kafkajs";
import type { OrdersSettings } from "./orders-main.js";
import { tell } from "./parent.js";

/** What the two clients have in common. */
export interface OrdersConsumer {
  run(config: GuardedRun): Promise<void>;
  disconnect(): Promise<void>;
}

interface OrdersProducer extends DeadLetterProducer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

/** The parts of `@confluentinc/kafka-javascript` that are used here; it is not installed with the others. */
interface Confluent {
  readonly KafkaJS: {
    readonly Kafka: new (
      config: object,
    ) => {
      consumer(config: object): OrdersConsumer & {
        connect(): Promise<void>;
        subscribe(topics: { readonly topics: readonly string[] }): Promise<void>;
      };
      producer(config: object): OrdersProducer;
    };
  };
}

/** A consumer of the wanted client, connected and subscribed. It says "ready" when it joins, "crashed" when it does. */
export function subscribed(given: OrdersSettings): Promise<OrdersConsumer> {
  return given.confluentFolder === undefined
    ? byKafkajs(given)
    : byConfluent(given, given.confluentFolder);
}

/** A producer of the wanted client. */
export async function connectedProducer(given: OrdersSettings): Promise<OrdersProducer> {
  const producer: OrdersProducer =
    given.confluentFolder === undefined
      ? kafkajs(given).producer()
      : confluentKafka(given, given.confluentFolder).producer({});
  await producer.connect();
  return producer;
}

async function byKafkajs(given: OrdersSettings): Promise<OrdersConsumer> {
  const consumer = kafkajs(given).consumer(timing(given));
  await consumer.connect();
  await consumer.subscribe({ topics: [given.topic], fromBeginning: true });
  consumer.on(consumer.events.GROUP_JOIN, () => tell({ event: "ready" }));
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    tell({ event: "crashed", outcome: `${error.name}, ${restart ? "restarts" : "stopped"}` });
  });
  return consumer;
}

async function byConfluent(given: OrdersSettings, folder: string): Promise<OrdersConsumer> {
  const consumer = confluentKafka(given, folder).consumer({
    kafkaJS: { ...timing(given), fromBeginning: true, autoCommitInterval: 300 },
    ...(given.groupInstanceId !== undefined && { "group.instance.id": given.groupInstanceId }),
    rebalance_cb: (error: { readonly code?: number }) => {
      // The code of librdkafka for "assign partitions".
      if (error.code === -175) tell({ event: "ready" });
    },
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [given.topic] });
  return consumer;
}

function timing(given: OrdersSettings) {
  const { groupId, sessionTimeoutMs, maxWaitTimeInMs, rebalanceTimeoutMs } = given;
  return {
    groupId,
    ...(rebalanceTimeoutMs !== undefined && { rebalanceTimeout: rebalanceTimeoutMs }),
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: Math.floor(sessionTimeoutMs / 3),
    maxWaitTimeInMs,
    metadataMaxAge: 2_000,
  };
}

function kafkajs({ brokers }: OrdersSettings): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
}

function confluentKafka({ brokers }: OrdersSettings, folder: string) {
  const load = createRequire(join(folder, "package.json"));
  const { KafkaJS } = load("@confluentinc/kafka-javascript") as Confluent;
  return new KafkaJS.Kafka({ kafkaJS: { brokers, logLevel: logLevel.NOTHING } });
}
