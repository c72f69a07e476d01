// A guarded RabbitMQ consumer: each payment is charged once, although the publisher sent one of them twice.
import { randomUUID } from "node:crypto";
import { createDeduplicator, PermanentError } from "@onlyonce/core";
import { rabbitConsume } from "@onlyonce/rabbitmq";
import { redisStore } from "@onlyonce/redis";
import { connect } from "amqplib";
import { Redis } from "ioredis";

const { AMQP_URL = "amqp://localhost", REDIS_URL = "redis://localhost:6379" } = process.env;
const queue = `payments-${randomUUID()}`;
const connection = await connect(AMQP_URL);
const channel = await connection.createChannel();
await channel.assertQueue(queue, { deadLetterExchange: "", deadLetterRoutingKey: `${queue}.dead` });
await channel.assertQueue(`${queue}.dead`);

// The guard: one object per service.
const redis = new Redis(REDIS_URL);
const outcomes: string[] = [];
const dedup = createDeduplicator({
  store: redisStore(redis),
  scope: "billing",
  observers: [
    {
      outcome: ({ delivery, outcome, detail }) => {
        outcomes.push(`${delivery.id}: ${outcome}${detail === undefined ? "" : ` (${detail})`}`);
        if (outcomes.length === 4) allSettled();
      },
    },
  ],
});

// The consumer: no ack and no nack, because both are onlyonce's now.
const consumer = await rabbitConsume(
  dedup,
  channel,
  queue,
  async (message, { idempotencyKey }) => {
    const payment = JSON.parse(message.content.toString()) as { id: string; amount: number };
    if (payment.amount < 0) throw new PermanentError("a payment can't be negative");
    await charge(payment, idempotencyKey);
  },
  { prefetch: 1, deadLetterExchange: true },
);

async function charge(payment: { id: string; amount: number }, key: string): Promise<void> {
  console.log(
    `charging ${payment.amount} for ${payment.id} with a key of ${key.length} characters`,
  );
}

// What follows only feeds the consumer, waits for it and cleans up.
let allSettled: () => void = () => undefined;
const settled = new Promise<void>((resolve) => {
  allSettled = resolve;
});
for (const [id, amount] of [
  ["p-1", 10],
  ["p-1", 10],
  ["p-2", 20],
  ["p-3", -5],
] as const) {
  channel.sendToQueue(queue, Buffer.from(JSON.stringify({ id, amount })), { messageId: id });
}
await settled;

// Consumer, deduplicator, Redis: in this order.
await consumer.close();
await dedup.close();
await redis.quit();
for (const line of outcomes) console.log(line);
const dead = await channel.get(`${queue}.dead`, { noAck: true });
console.log(
  `in the dead-letter queue: ${dead === false ? "nothing" : String(dead.properties.messageId)}`,
);
await channel.deleteQueue(queue);
await channel.deleteQueue(`${queue}.dead`);
await connection.close();
