import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { type MessageOf, type RabbitConsumer, rabbitConsume, toDelivery } from "@onlyonce/rabbitmq";
import { type Channel, type ConfirmChannel, type ConsumeMessage, connect } from "amqplib";
import type { Channel as OlderChannel, ConsumeMessage as OlderMessage } from "amqplib-0.10-types";
import { type Equal, expectTrue } from "./equal.js";

const dedup = createDeduplicator({
  store: memoryStore(),
  scope: "billing",
  topics: { payments: {} },
});
const connection = await connect("amqp://localhost");
const channel: Channel = await connection.createChannel();
const confirming: ConfirmChannel = await connection.createConfirmChannel();
expectTrue<Equal<MessageOf<Channel>, ConsumeMessage>>();

const consumer: RabbitConsumer = await rabbitConsume(
  dedup,
  channel,
  "payments",
  async (message, context) => {
    expectTrue<Equal<typeof message, ConsumeMessage>>();
    const payment: unknown = JSON.parse(message.content.toString());
    void [payment, message.properties.messageId, message.fields.routingKey, context.idempotencyKey];
  },
  {
    prefetch: 32,
    deadLetter: async (message, { error, attempt }) => {
      expectTrue<Equal<typeof message, ConsumeMessage>>();
      confirming.sendToQueue("dead", message.content, { headers: { why: String(error), attempt } });
      await confirming.waitForConfirms();
    },
    retryDelayMs: (attempt) => 1_000 * attempt,
    deliveryLimit: 50,
    onCancel: () => undefined,
    consume: { consumerTag: "billing-1", arguments: { "x-stream-offset": "first" } },
  },
);
await consumer.close({ drainMs: 1_000 });
await rabbitConsume(dedup, confirming, "another queue", async () => undefined, {
  deadLetterExchange: true,
});

// The types of older versions of amqplib fit too.
declare const older: OlderChannel;
await rabbitConsume(dedup, older, "payments", async (message) => {
  expectTrue<Equal<typeof message, OlderMessage>>();
  void toDelivery("payments", message);
});

// What must not compile.
// @ts-expect-error a queue is named
void rabbitConsume(dedup, channel, 1, async () => undefined);
// @ts-expect-error a connection is not a channel
void rabbitConsume(dedup, connection, "payments", async () => undefined);
// @ts-expect-error the broker would forget messages before they are processed
void rabbitConsume(dedup, channel, "payments", async () => undefined, { consume: { noAck: true } });
void rabbitConsume(dedup, channel, "payments", async () => undefined, {
  // @ts-expect-error the queue has a dead-letter exchange, or the option is absent
  deadLetterExchange: false,
});
// @ts-expect-error an unknown option
void rabbitConsume(dedup, channel, "payments", async () => undefined, { concurrency: 5 });
// @ts-expect-error a handler promises: the message is settled when it is done
void rabbitConsume(dedup, channel, "payments", () => 5);
