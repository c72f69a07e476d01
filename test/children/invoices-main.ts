// A guarded consumer that answers each order with an invoice, in one Kafka transaction with the offset of the order.
import { createDeduplicator, header, type TopicPolicy } from "@onlyonce/core";
import { kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { crash, crashingStore } from "./crash-point.js";
import { endWithParent, settings, tell, tellingObserver } from "./parent.js";

export interface InvoicesSettings {
  readonly brokers: readonly string[];
  readonly redisUrl: string;
  readonly prefix: string;
  readonly orders: string;
  readonly invoices: string;
  readonly groupId: string;
  readonly transactionalId: string;
  readonly sessionTimeoutMs: number;
  readonly policy: TopicPolicy;
  /** Where the process kills itself. @defaultValue nowhere */
  readonly crashes?: "before the commit" | "after the commit";
}

endWithParent();
const given = settings<InvoicesSettings>();
const { groupId, crashes } = given;
const redis = new Redis(given.redisUrl);
const store = redisStore(redis, { prefix: given.prefix, commandTimeoutMs: 150 });
const dedup = createDeduplicator({
  store: crashes === "after the commit" ? crashingStore(store, "handled") : store,
  scope: groupId,
  defaults: { ...given.policy, key: header("id") },
  observers: [tellingObserver],
});
const kafka = new Kafka({ brokers: [...given.brokers], logLevel: logLevel.NOTHING });
const producer = kafka.producer({
  transactionalId: given.transactionalId,
  idempotent: true,
  maxInFlightRequests: 1,
});
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: given.sessionTimeoutMs,
  heartbeatInterval: Math.floor(given.sessionTimeoutMs / 3),
  maxWaitTimeInMs: 300,
});
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topics: [given.orders], fromBeginning: true });
consumer.on(consumer.events.GROUP_JOIN, () => tell({ event: "ready" }));
await consumer.run(
  kafkaRun(dedup, {
    eachMessage: async ({ topic, partition, message }, { attempt }) => {
      const id = String(message.headers?.id);
      tell({ event: "started", id, attempt });
      const transaction = await producer.transaction();
      try {
        await transaction.send({ topic: given.invoices, messages: [{ value: id }] });
        const offset = String(BigInt(message.offset) + 1n);
        const topics = [{ topic, partitions: [{ partition, offset }] }];
        await transaction.sendOffsets({ consumerGroupId: groupId, topics });
        if (crashes === "before the commit") await crash();
        await transaction.commit();
      } catch (error) {
        if (transaction.isActive()) await transaction.abort();
        throw error;
      }
      tell({ event: "finished", id });
    },
  }),
);
