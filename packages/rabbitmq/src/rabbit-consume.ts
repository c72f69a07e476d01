import type { Codec, Context, Deduplicator } from "@onlyonce/core";
import { attend, type ResolvedPolicy, topicPolicy } from "@onlyonce/core/adapter";
import { quote, requireFunction } from "@onlyonce/core/internal";
import { type AmqpChannel, CapturedChannel, type MessageOf } from "./channel.js";
import { QueueConsumer, type QueueConsumerParts, type RabbitConsumer } from "./consumer.js";
import type { ConfirmingChannel } from "./copy-publisher.js";
import type { AmqpMessage } from "./delivery.js";
import { LastingConsumer } from "./lasting-consumer.js";
import {
  type RabbitConsumeOptions,
  type RabbitReplayOptions,
  type ResolvedOptions,
  resolveOptions,
} from "./options.js";
import { Replies, replying } from "./replies.js";
import { RetryExchange, RetryHealth } from "./retry-exchange.js";

/**
 * Consumes `queue` guarded: the handler takes effect once per message key inside the window. Acks, holds, delays and
 * dead-letters by itself, so the handler must not: a second ack makes the broker close the channel.
 *
 * | handler or message | effect on the broker |
 * |---|---|
 * | resolved | recorded, then acked; acked too if recording failed: the work is done |
 * | duplicate | acked, the handler does not run |
 * | threw | released, rests for `retryDelayMs`, handed back; with `retry` it rests at the broker |
 * | threw `maxAttempts` times, or a `PermanentError` | dead-lettered, then acked; without a target retried at the longest back-off |
 * | busy (claimed elsewhere) | waits unacked for about two leases, then rests at least 1 s, here or at the broker, and comes again |
 * | store down | stays unacked and is tried again; with `onStoreDown: "process"` it runs unprotected |
 * | channel closed while running | the handler finishes and is recorded; the redelivery is dropped as duplicate |
 *
 * With a function in place of a channel the consumer lasts: after a cancel, a lost channel or a lost connection it asks
 * for a new channel, at first after 1 s and at least every 30 s, until it can consume again. The function makes a channel
 * for this consumer alone, which is closed with it; only the first try rejects.
 *
 * Nothing is handed back at once, and no message near its delivery limit is handed back before the ACK timeout comes
 * near. Invalid options throw a RangeError or TypeError at once, before any I/O; the promise rejects as the channel does.
 */
export function rabbitConsume<Topic extends string, Channel extends AmqpChannel, Result>(
  deduplicator: Deduplicator<Topic>,
  channel: Channel | (() => PromiseLike<Channel>),
  queue: Topic | (string & {}),
  handler: (message: MessageOf<Channel>, context: Context) => Promise<Result>,
  options: RabbitReplayOptions<Result, MessageOf<Channel>>,
): Promise<RabbitConsumer>;
export function rabbitConsume<Topic extends string, Channel extends AmqpChannel>(
  deduplicator: Deduplicator<Topic>,
  channel: Channel | (() => PromiseLike<Channel>),
  queue: Topic | (string & {}),
  handler: (message: MessageOf<Channel>, context: Context) => Promise<void>,
  options?: RabbitConsumeOptions<MessageOf<Channel>>,
): Promise<RabbitConsumer>;
export function rabbitConsume<Topic extends string, Channel extends AmqpChannel>(
  deduplicator: Deduplicator<Topic>,
  channel: Channel | (() => PromiseLike<Channel>),
  queue: Topic | (string & {}),
  handler: (message: MessageOf<Channel>, context: Context) => Promise<unknown>,
  options: RabbitConsumeOptions<MessageOf<Channel>> & {
    readonly replay?: Codec<unknown>;
  } = {},
): Promise<RabbitConsumer> {
  if (typeof channel !== "function") requireChannel(channel);
  if (typeof queue !== "string" || queue === "") {
    throw new TypeError(`queue must be a non-empty string, got ${quote(queue)}`);
  }
  requireFunction("handler", handler);
  // What a channel gives to its consumers is its own message type.
  const run = handler as unknown as (message: AmqpMessage, context: Context) => Promise<unknown>;
  const policyOf = (topic: string): ResolvedPolicy => topicPolicy(deduplicator, topic);
  const resolved = resolveOptions(queue, options, (topic) => policyOf(topic).maxAttempts);
  const health = new RetryHealth();
  const partsOn = (on: AmqpChannel): QueueConsumerParts => ({
    queue,
    policy: policyOf(resolved.topic),
    options: resolved as unknown as ResolvedOptions,
    channel: CapturedChannel.of(on),
    retry: resolved.retry && new RetryExchange(confirming(on), resolved.retry, health),
    replies: resolved.replay && new Replies(replying(on), resolved.replay),
    attend: (message, delivery, attendOptions) =>
      attend(deduplicator, delivery, (context) => run(message, context), attendOptions),
  });
  if (typeof channel !== "function") return QueueConsumer.start(partsOn(channel));
  const checked = (on: AmqpChannel): QueueConsumerParts => {
    requireChannel(on);
    return partsOn(on);
  };
  return LastingConsumer.start({ queue, open: async () => channel(), partsOn: checked });
}

const CHANNEL_METHODS = ["consume", "cancel", "prefetch", "ack", "nack", "once"] as const;

function confirming(channel: AmqpChannel): ConfirmingChannel {
  for (const method of ["publish", "on", "waitForConfirms"]) {
    if (typeof Reflect.get(channel, method) !== "function") {
      throw new TypeError(
        `options.retry needs a confirm channel (connection.createConfirmChannel()), but the channel has no method ${method}: a message must not be acked before its copy is safe`,
      );
    }
  }
  return channel as unknown as ConfirmingChannel;
}

function requireChannel(channel: unknown): void {
  if (typeof channel !== "object" || channel === null) {
    throw new TypeError(`channel must be an amqplib channel, got ${quote(channel)}`);
  }
  // It acks on whatever channel is open now, and delivery tags start again on each: it would ack other messages.
  if (typeof Reflect.get(channel, "addSetup") === "function") {
    throw new TypeError(
      "channel must be a plain channel, not a ChannelWrapper, which acks on whatever channel is open now and so might ack another message: call wrapper.addSetup((channel) => rabbitConsume(deduplicator, channel, …))",
    );
  }
  for (const method of CHANNEL_METHODS) {
    if (typeof Reflect.get(channel, method) !== "function") {
      throw new TypeError(`channel must have the method ${method}, as amqplib's promise API does`);
    }
  }
}
