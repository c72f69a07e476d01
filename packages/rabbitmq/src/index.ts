export type { AmqpChannel, MessageOf } from "./channel.js";
export type { RabbitConsumer } from "./consumer.js";
export type { AmqpMessage, AmqpProperties } from "./delivery.js";
export { toDelivery } from "./delivery.js";
export type { ConsumeSettings, RabbitConsumeOptions, RabbitReplayOptions } from "./options.js";
export type {
  RabbitClientConnection,
  RabbitClientConsumer,
  RabbitClientMessage,
  RabbitClientProps,
  RabbitClientStatus,
} from "./rabbit-client.js";
export type { ClientMessageOf, RabbitClientOptions } from "./rabbit-client-consume.js";
export { rabbitClientConsume } from "./rabbit-client-consume.js";
export { rabbitConsume } from "./rabbit-consume.js";
export type { RetryByReject, RetryRoute } from "./retry-route.js";
export type { RetryTopologyOptions, TopologyChannel } from "./retry-topology.js";
export { setupRetryTopology } from "./retry-topology.js";
export type { PublishingChannel } from "./stamp-key.js";
export { stampKey } from "./stamp-key.js";
