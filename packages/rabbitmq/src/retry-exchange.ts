import { type ConfirmingChannel, CopyPublisher, MissingExchangeError } from "./copy-publisher.js";
import type { AmqpMessage } from "./delivery.js";
import { DEAD_ROUTE, delayRoute, type RetryRoute } from "./retry-route.js";
import { textOf, warn } from "./warning.js";

/**
 * How long an exchange that is gone is left alone, in milliseconds. To publish to it costs the channel, and a channel
 * that is lost brings every message on it nearer to its delivery limit.
 */
const LEFT_ALONE_MS = 600_000;

/** What is known of the retry exchange of one consumer, on whatever channel it was learnt. */
export class RetryHealth {
  #missingUntilMs = Number.NEGATIVE_INFINITY;
  #hasWarned = false;

  isMissing(nowMs: number): boolean {
    return nowMs < this.#missingUntilMs;
  }

  /** Takes note of a copy that could not be published, and says so once. */
  failed(exchange: string, error: unknown, nowMs: number): void {
    const isMissing = error instanceof MissingExchangeError;
    if (isMissing) this.#missingUntilMs = nowMs + LEFT_ALONE_MS;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const name = JSON.stringify(exchange);
    warn(
      "ONLYONCE_AMQP_RETRY_EXCHANGE",
      isMissing
        ? `Exchange ${name} of options.retry is gone, so RabbitMQ closed the channel (${textOf(error)}). Declare it again, as setupRetryTopology does. Until then messages rest unacked and poison stays on its queue; the exchange is tried again every ${LEFT_ALONE_MS / 60_000} min. Said once per consumer`
        : `A message could not rest at exchange ${name} and rests unacked instead: ${textOf(error)}. Said once per consumer`,
    );
  }
}

/** The retry exchange of one consumer. A message is acked only after its copy is safe. */
export class RetryExchange {
  readonly #publisher: CopyPublisher;
  readonly #route: RetryRoute;
  readonly #health: RetryHealth;

  constructor(channel: ConfirmingChannel, route: RetryRoute, health: RetryHealth) {
    this.#publisher = CopyPublisher.of(channel);
    this.#route = route;
    this.#health = health;
  }

  get hasDeadLetter(): boolean {
    return this.#route.deadLetter === true;
  }

  /** True when the broker keeps a copy that comes back after about `delayMs`. Never rejects. */
  async takes(message: AmqpMessage, delayMs: number): Promise<boolean> {
    try {
      await this.#publish(message, delayRoute(this.#route, delayMs));
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves when the broker keeps a copy among the poison. */
  deadLetter(message: AmqpMessage): Promise<void> {
    return this.#publish(message, DEAD_ROUTE);
  }

  async #publish(message: AmqpMessage, route: string): Promise<void> {
    const { exchange } = this.#route;
    if (this.#health.isMissing(performance.now())) {
      throw new Error(`exchange ${JSON.stringify(exchange)} is gone, and is tried again later`);
    }
    try {
      await this.#publisher.publish(message, exchange, route);
    } catch (error) {
      this.#health.failed(exchange, error, performance.now());
      throw error;
    }
  }
}
