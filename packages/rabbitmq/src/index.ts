export type { AmqpChannel, MessageOf } from "./channel.js";
export type { RabbitConsumer } from "./consumer.js";
export type { AmqpMessage, AmqpProperties } from "./delivery.js";
export { toDelivery } from "./delivery.js";
export type { ConsumeSettings, RabbitConsumeOptions } from "./options.js";
export { rabbitConsume } from "./rabbit-consume.js";
