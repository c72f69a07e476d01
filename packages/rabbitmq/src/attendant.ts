import { setTimeout as delay } from "node:timers/promises";
import type { AttendOptions, Delivery, ResolvedPolicy, Verdict } from "@onlyonce/core/adapter";
import { backOffMs, isDelayMs } from "./back-off.js";
import { deadLetterTarget } from "./dead-letter.js";
import { type AmqpMessage, isFromStream, toDelivery } from "./delivery.js";
import { deathCount, deliveryCount } from "./delivery-count.js";
import { retriesOf } from "./message-copy.js";
import type { ResolvedOptions } from "./options.js";
import type { Replies } from "./replies.js";
import type { RetryExchange } from "./retry-exchange.js";
import { actionFor, awayMs, type Circumstances } from "./settlement.js";
import { textOf, warn } from "./warning.js";

/** What tells the broker. Settles a message at most once, on the channel that delivered it. */
export interface Settler {
  ack(message: AmqpMessage): void;
  /** Hands the message back to its queue. */
  requeue(message: AmqpMessage): void;
  /** Hands the message to the dead-letter exchange of its queue. */
  reject(message: AmqpMessage): void;
}

export interface AttendantParts {
  readonly queue: string;
  readonly channel: Settler;
  readonly policy: ResolvedPolicy;
  readonly options: ResolvedOptions;
  readonly retry: RetryExchange | undefined;
  readonly replies: Replies | undefined;
  /** Aborts when the consumer closes or its channel is gone: nothing waits any longer, running handlers go on. */
  readonly stop: AbortSignal;
  attend(message: AmqpMessage, delivery: Delivery, options: AttendOptions): Promise<Verdict>;
}

/** Takes each message of one consumer from its arrival to the one settlement it gets, if it gets one. */
export class Attendant {
  readonly #parts: AttendantParts;
  /** How long a delivery waits inside one attendance: by then a crashed owner's lease has lapsed. */
  readonly #waitMs: number;
  #waiting = 0;
  #hasWarnedOfDelay = false;

  constructor(parts: AttendantParts) {
    this.#parts = parts;
    const { leaseMs, ackTimeoutMs, busyWaitMs } = parts.policy;
    this.#waitMs = Math.max(busyWaitMs, Math.min(2 * leaseMs, Math.floor(ackTimeoutMs / 4)));
  }

  /** Resolves when the message is settled, or left to the broker. Each round in place ends in an outcome of its own. */
  async take(message: AmqpMessage): Promise<void> {
    const { queue, channel, policy, options, retry, replies, stop } = this.#parts;
    const delivery = toDelivery(queue, message, options.topic);
    const holdUntilMs = performance.now() + policy.maxProcessingMs;
    for (let round = 0; !stop.aborted; round += 1) {
      const verdict = await this.#verdict(message, delivery, holdUntilMs - performance.now());
      const { headers } = message.properties;
      const now: Circumstances = {
        deliveryCount: deliveryCount(headers),
        deliveryLimit: options.deliveryLimit,
        isStream: isFromStream(message),
        round,
        retries: retriesOf(headers) + deathCount(headers, queue),
        comesBack: options.retriesByReject,
        holdLeftMs: holdUntilMs - performance.now(),
        random: Math.random(),
        retryDelayMs: this.#retryDelayMs,
      };
      const restMs = retry === undefined ? undefined : awayMs(verdict, now);
      if (restMs !== undefined && (await retry?.takes(message, restMs)))
        return channel.ack(message);
      const action = actionFor(verdict, now);
      switch (action.kind) {
        case "ack":
          replies?.send(message, verdict);
          return channel.ack(message);
        case "reject":
          return channel.reject(message);
        case "leave":
          return;
        case "requeue":
          if (await this.#rest(action.delayMs)) channel.requeue(message);
          return;
        case "again":
          await this.#rest(action.delayMs);
      }
    }
  }

  async #verdict(message: AmqpMessage, delivery: Delivery, holdLeftMs: number): Promise<Verdict> {
    const waitMs = Math.max(0, Math.min(this.#waitMs, holdLeftMs));
    const { options, retry, replies } = this.#parts;
    const deadLetter = deadLetterTarget(options, message, retry);
    try {
      return await this.#parts.attend(message, delivery, {
        signal: this.#parts.stop,
        busyWaitMs: waitMs,
        storeWaitMs: waitMs,
        enterWait: this.#enterWait,
        ...(deadLetter !== undefined && { deadLetter }),
        ...(replies !== undefined && { encode: replies.encode }),
      });
    } catch (error) {
      warn(
        "ONLYONCE_AMQP_UNEXPECTED",
        `A message on ${JSON.stringify(delivery.topic)} could not be attended to and will be tried again: ${textOf(error)}`,
      );
      return { outcome: "store_error", settlement: "retry", reason: "store", error };
    }
  }

  /** One place of the prefetch never waits, so that the consumer keeps moving. */
  readonly #enterWait = (): (() => void) | undefined => {
    if (this.#waiting >= this.#parts.options.prefetch - 1) return undefined;
    this.#waiting += 1;
    return () => {
      this.#waiting -= 1;
    };
  };

  /** Holds a message unacked. False: stopped before the time was up. */
  async #rest(delayMs: number): Promise<boolean> {
    try {
      await delay(delayMs, undefined, { signal: this.#parts.stop, ref: false });
      return true;
    } catch {
      return false;
    }
  }

  /** A function that throws inside a running consumer must not stop it: the default takes its place. */
  readonly #retryDelayMs = (attempt: number): number => {
    const { retryDelayMs } = this.#parts.options;
    if (retryDelayMs === undefined) return backOffMs(attempt, Math.random());
    let answer: unknown;
    try {
      answer = retryDelayMs(attempt);
    } catch (error) {
      answer = error;
    }
    if (isDelayMs(answer)) return answer;
    if (!this.#hasWarnedOfDelay) {
      this.#hasWarnedOfDelay = true;
      warn(
        "ONLYONCE_AMQP_CALLBACK",
        `retryDelayMs must return milliseconds from 0 to 2,147,483,647, but for attempt ${attempt} gave ${textOf(answer)}; the default delay is used`,
      );
    }
    return backOffMs(attempt, Math.random());
  };
}
