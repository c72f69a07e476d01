import type { Codec } from "@onlyonce/core";
import type { DeadLetterReason } from "@onlyonce/core/adapter";
import {
  LONGEST_TIMER_MS,
  quote,
  refuseUnknown,
  requireFunction,
  requireInteger,
  requireObject,
} from "@onlyonce/core/internal";
import type { AmqpMessage } from "./delivery.js";
import { checkCodec } from "./replies.js";
import {
  checkRetryRoute,
  isRetryByReject,
  type RetryByReject,
  type RetryRoute,
} from "./retry-route.js";

/** What is passed on to the channel's `consume`. `noAck` is not among them: a message that needs no ack can't be guarded. */
export interface ConsumeSettings {
  /** Chosen by the broker if absent. */
  readonly consumerTag?: string;
  readonly exclusive?: boolean;
  readonly noLocal?: boolean;
  readonly priority?: number;
  /** Such as `{ "x-stream-offset": "first" }`. */
  readonly arguments?: Readonly<Record<string, unknown>>;
}

export interface RabbitConsumeOptions<Message = AmqpMessage> {
  /**
   * The topic under which messages are guarded: policy and part of every key. A retry queue that names its parent here
   * shares its parent's memory, so that a message which was processed on one is a duplicate on the other.
   * @defaultValue the name of the queue
   */
  readonly guardAs?: string;
  /**
   * How many unacked messages this consumer may hold (1 to 65,535), set on the channel for this consumer. Handlers of
   * that many messages run at once, and messages that wait for a busy key hold a place each, though never the last one:
   * choose at least one more than the handlers you want. 1 keeps the order of the queue.
   * @defaultValue 32
   */
  readonly prefetch?: number;
  /**
   * Makes a poison message durable elsewhere; the message is acked once this resolves. If it rejects, the message is
   * retried at the longest back-off. Runs again if the process dies in between. Not together with `deadLetterExchange`.
   */
  readonly deadLetter?: (message: Message, why: DeadLetterReason) => Promise<void>;
  /**
   * The queue has a dead-letter exchange: a poison message is rejected to it. If the queue has none, the broker deletes
   * the message. Without any dead-letter target a poison message is retried at the longest back-off for as long as the
   * broker keeps it.
   */
  readonly deadLetterExchange?: true;
  /**
   * Lets failed and busy messages rest at the broker instead of here: a durable copy is published to this exchange, and
   * the message is acked once the broker has confirmed the copy. The copy keeps body, id, properties and headers (but for
   * `expiration`, `userId` and what the broker wrote) and comes back to the end of the queue. A confirm that is lost
   * makes a duplicate. Where the copy can't be published the message rests here as without this option. With a
   * `deadLetter` route, poison goes there unless `deadLetter` or `deadLetterExchange` is given. Needs a confirm channel;
   * not used for streams. See `setupRetryTopology`.
   *
   * With `{ deadLetterExchange: true }` they are rejected instead, to a dead-letter exchange of the queue that brings
   * them back after a time of its own: no copy and no confirm, but the broker moves them without one of its own, and
   * deletes them if there is no such exchange. `retryDelayMs` has no say then, and poison needs `deadLetter`.
   */
  readonly retry?: RetryRoute | RetryByReject;
  /**
   * How long a failed message rests, unacked, before it is handed back, in milliseconds (0 to 2,147,483,647; cut to
   * what the ACK timeout leaves). `attempt` counts from 1: the failures of this message so far, or, while the store
   * cannot be reached, how often in a row. An invalid answer gives way to the default.
   * @defaultValue 1 s after the first attempt, doubled each time, at most 30 s; less up to a fifth
   */
  readonly retryDelayMs?: (attempt: number) => number;
  /**
   * How many redeliveries the queue allows before the broker deletes or dead-letters the message by itself
   * (`x-delivery-limit`; 1 or more). From three quarters of it on, a message is retried in place instead of handed back.
   * Must be above the topic's `maxAttempts`. A queue without a limit may be given any large number.
   * @defaultValue 20, as quorum queues have it from RabbitMQ 4.0 on
   */
  readonly deliveryLimit?: number;
  /**
   * Called when the broker cancels the consumer: its queue was deleted or has moved. Nothing is consumed any more:
   * consume again here. Without it, a process warning says so. A consumer whose channels a function makes consumes again
   * by itself, whether this is given or not.
   */
  readonly onCancel?: () => void | PromiseLike<void>;
  /** Passed on to the channel's `consume`. */
  readonly consume?: ConsumeSettings;
}

/** For queues of requests. */
export interface RabbitReplayOptions<Result, Message = AmqpMessage>
  extends RabbitConsumeOptions<Message> {
  /**
   * A request with a `replyTo` is answered there, under its own `correlationId`: with what the handler resolved with, or,
   * if it is a duplicate, with what was stored of that. The reply goes out before the ack, on the same channel. Failed
   * requests get no reply, nor do duplicates of a result that was larger than the codec's `maxBytes`.
   */
  readonly replay: Codec<Result>;
}

export interface ResolvedOptions<Message = AmqpMessage> {
  readonly topic: string;
  readonly prefetch: number;
  readonly deadLetter: ((message: Message, why: DeadLetterReason) => Promise<void>) | undefined;
  readonly deadLetterExchange: boolean;
  readonly replay: Codec<unknown> | undefined;
  readonly retry: RetryRoute | undefined;
  /** A rejected message comes back by itself. */
  readonly retriesByReject: boolean;
  readonly retryDelayMs: ((attempt: number) => number) | undefined;
  readonly deliveryLimit: number;
  readonly onCancel: (() => void | PromiseLike<void>) | undefined;
  readonly consume: ConsumeSettings;
}

const DEFAULTS = { prefetch: 32, deliveryLimit: 20, drainMs: 30_000 } as const;

const OPTIONS = [
  "guardAs",
  "prefetch",
  "deadLetter",
  "deadLetterExchange",
  "replay",
  "retry",
  "retryDelayMs",
  "deliveryLimit",
  "onCancel",
  "consume",
] as const satisfies readonly (keyof RabbitReplayOptions<unknown>)[];

const CONSUME_SETTINGS = [
  "consumerTag",
  "exclusive",
  "noLocal",
  "priority",
  "arguments",
] as const satisfies readonly (keyof ConsumeSettings)[];

/**
 * Checks every option. Throws a RangeError or TypeError that names the option and quotes its value. The topic's
 * `maxAttempts` is checked too: the broker must not delete a message before it counts as poison.
 */
export function resolveOptions<Message>(
  queue: string,
  options: RabbitConsumeOptions<Message> & { readonly replay?: Codec<unknown> },
  maxAttemptsOf: (topic: string) => number,
): ResolvedOptions<Message> {
  requireKnown("options", options, OPTIONS);
  const { guardAs: topic = queue } = options;
  if (typeof topic !== "string" || topic === "") {
    throw new TypeError(`options.guardAs must be a non-empty string, got ${quote(topic)}`);
  }
  const maxAttempts = maxAttemptsOf(topic);
  const { deadLetter, deadLetterExchange, retryDelayMs, onCancel, consume = {} } = options;
  requireKnown("options.consume", consume, CONSUME_SETTINGS);
  if (deadLetter !== undefined) requireFunction("options.deadLetter", deadLetter);
  if (retryDelayMs !== undefined) requireFunction("options.retryDelayMs", retryDelayMs);
  if (onCancel !== undefined) requireFunction("options.onCancel", onCancel);
  if (options.replay !== undefined) checkCodec("options.replay", options.replay);
  if (deadLetterExchange !== undefined && deadLetterExchange !== true) {
    throw new TypeError(
      `options.deadLetterExchange must be true or absent, got ${quote(deadLetterExchange)}`,
    );
  }
  if (deadLetter !== undefined && deadLetterExchange === true) {
    throw new TypeError(
      "options.deadLetter (a function) and options.deadLetterExchange (true) exclude each other: a poison message goes to one place",
    );
  }
  const { retry } = options;
  const retriesByReject = retry !== undefined && isRetryByReject("options.retry", retry);
  if (retriesByReject && deadLetterExchange === true) {
    throw new TypeError(
      "options.retry.deadLetterExchange and options.deadLetterExchange (both true) exclude each other: poison would come back like everything else. Give options.deadLetter",
    );
  }
  const { prefetch = DEFAULTS.prefetch, deliveryLimit = DEFAULTS.deliveryLimit } = options;
  requireInteger("options.deliveryLimit", deliveryLimit, 1, Number.MAX_SAFE_INTEGER);
  if (deliveryLimit <= maxAttempts) {
    throw new RangeError(
      `options.deliveryLimit must be above the topic's maxAttempts (${quote(maxAttempts)}), got ${quote(deliveryLimit)}: the broker would delete a message before it counts as poison. Lower maxAttempts, or set deliveryLimit to what the queue really allows`,
    );
  }
  return {
    topic,
    prefetch: requireInteger("options.prefetch", prefetch, 1, 65_535),
    deadLetter,
    deadLetterExchange: deadLetterExchange === true,
    replay: options.replay,
    retry:
      retry === undefined || retriesByReject ? undefined : checkRetryRoute("options.retry", retry),
    retriesByReject,
    retryDelayMs,
    deliveryLimit,
    onCancel,
    consume,
  };
}

/** Checks the options of `close`; answers its drain time in milliseconds. */
export function resolveDrainMs(options: { readonly drainMs?: number }): number {
  requireObject("options of close", options);
  refuseUnknown("options of close", options, ["drainMs"]);
  return requireInteger("drainMs", options.drainMs ?? DEFAULTS.drainMs, 0, LONGEST_TIMER_MS);
}

function requireKnown(name: string, options: unknown, known: readonly string[]): void {
  requireObject(name, options);
  if (Object.hasOwn(options, "noAck")) {
    throw new TypeError(
      `${name}.noAck is refused, got ${quote(options.noAck)}: the broker would forget each message before it is processed`,
    );
  }
  refuseUnknown(name, options, known);
}
