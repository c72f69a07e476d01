// A guarded RabbitMQ consumer in a process of its own.
import { createDeduplicator, type TopicPolicy } from "@onlyonce/core";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import { redisStore } from "@onlyonce/redis";
import { connect } from "amqplib";
import { Redis } from "ioredis";
import { endWithParent, heard, settings, tell, tellingObserver } from "./parent.js";

export interface PaymentsSettings {
  readonly amqpUrl: string;
  readonly redisUrl: string;
  readonly prefix: string;
  readonly queue: string;
  readonly policy: TopicPolicy;
  readonly holds: boolean;
}

endWithParent();
const { amqpUrl, redisUrl, prefix, queue, policy, holds } = settings<PaymentsSettings>();
const redis = new Redis(redisUrl);
const dedup = createDeduplicator({
  store: redisStore(redis, { prefix, commandTimeoutMs: 150 }),
  scope: "test",
  defaults: policy,
  observers: [tellingObserver],
});
const connection = await connect(amqpUrl);
// What is lost with it is for the test to see, not the end of this process.
connection.on("error", () => undefined);
const channel = await connection.createChannel();
const finish = holds ? heard("finish") : Promise.resolve();
const consumer = await rabbitConsume(dedup, channel, queue, async (message, { attempt }) => {
  const id = String(message.properties.messageId);
  tell({ event: "started", id, attempt });
  await finish;
  tell({ event: "finished", id });
});
tell({ event: "ready" });
process.once("SIGTERM", () => void stop());

async function stop(): Promise<void> {
  await consumer.close();
  await dedup.close();
  await connection.close();
  await redis.quit();
  process.disconnect();
}
