import { type Context, createDeduplicator, memoryStore } from "@onlyonce/core";
import type { Channel, ConfirmChannel, ConsumeMessage, Options } from "amqplib";
import { expectTypeOf, it } from "vitest";
import {
  type AmqpChannel,
  type AmqpMessage,
  type ConsumeSettings,
  type MessageOf,
  type RabbitConsumer,
  rabbitConsume,
} from "../src/index.js";

const deduplicator = createDeduplicator({
  store: memoryStore(),
  scope: "billing",
  topics: { payments: {} },
});

it("what amqplib gives fits without a cast", () => {
  expectTypeOf<Channel>().toExtend<AmqpChannel>();
  expectTypeOf<ConfirmChannel>().toExtend<AmqpChannel>();
  expectTypeOf<ConsumeMessage>().toExtend<AmqpMessage>();
  expectTypeOf<MessageOf<Channel>>().toEqualTypeOf<ConsumeMessage>();
  expectTypeOf<ConsumeSettings>().toExtend<Options.Consume>();
});

it("a handler gets the channel's own message type", () => {
  const consume = (channel: Channel) =>
    rabbitConsume(
      deduplicator,
      channel,
      "payments",
      async (message, context) => {
        expectTypeOf(message).toEqualTypeOf<ConsumeMessage>();
        expectTypeOf(context).toEqualTypeOf<Context>();
      },
      {
        prefetch: 5,
        deadLetter: async (message, { error, attempt }) => {
          expectTypeOf(message).toEqualTypeOf<ConsumeMessage>();
          expectTypeOf(error).toEqualTypeOf<unknown>();
          expectTypeOf(attempt).toEqualTypeOf<number>();
        },
      },
    );
  expectTypeOf(consume).returns.resolves.toEqualTypeOf<RabbitConsumer>();
});

it("a handler written for amqplib fits once it returns a promise", () => {
  const written = async (message: ConsumeMessage): Promise<void> => {
    message.content.toString();
  };
  const consume = (channel: Channel) => rabbitConsume(deduplicator, channel, "orders", written);
  expectTypeOf(consume).returns.resolves.toEqualTypeOf<RabbitConsumer>();
});

it("what would lose messages does not compile", () => {
  const handler = async (): Promise<void> => undefined;
  const refused = (channel: Channel) => [
    // @ts-expect-error a message that needs no ack cannot be guarded
    () => rabbitConsume(deduplicator, channel, "payments", handler, { noAck: true }),
    // @ts-expect-error nor through the settings of the client
    () => rabbitConsume(deduplicator, channel, "payments", handler, { consume: { noAck: true } }),
    // @ts-expect-error a handler whose end is not seen
    () => rabbitConsume(deduplicator, channel, "payments", () => undefined),
    // @ts-expect-error a dead-letter exchange is there, or the option is not
    () => rabbitConsume(deduplicator, channel, "payments", handler, { deadLetterExchange: false }),
  ];
  expectTypeOf(refused).returns.items.toBeFunction();
});
