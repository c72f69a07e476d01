import { type ConfirmingChannel, CopyPublisher } from "./copy-publisher.js";
import type { AmqpMessage } from "./delivery.js";
import { DEAD_ROUTE, delayRoute, type RetryRoute } from "./retry-route.js";
import { textOf, warn } from "./warning.js";

/** The retry exchange of one consumer. A message is acked only after its copy is safe. */
export class RetryExchange {
  readonly #publisher: CopyPublisher;
  readonly #route: RetryRoute;
  #hasWarned = false;

  constructor(channel: ConfirmingChannel, route: RetryRoute) {
    this.#publisher = CopyPublisher.of(channel);
    this.#route = route;
  }

  get hasDeadLetter(): boolean {
    return this.#route.deadLetter === true;
  }

  /** True when the broker keeps a copy that comes back after about `delayMs`. Never rejects. */
  async takes(message: AmqpMessage, delayMs: number): Promise<boolean> {
    const { exchange } = this.#route;
    try {
      await this.#publisher.publish(message, exchange, delayRoute(this.#route, delayMs));
      return true;
    } catch (error) {
      this.#warnOnce(error);
      return false;
    }
  }

  /** Resolves when the broker keeps a copy among the poison. */
  deadLetter(message: AmqpMessage): Promise<void> {
    return this.#publisher.publish(message, this.#route.exchange, DEAD_ROUTE);
  }

  #warnOnce(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    warn(
      "ONLYONCE_AMQP_RETRY_EXCHANGE",
      `A message could not rest at exchange ${JSON.stringify(this.#route.exchange)} and rests unacked instead: ${textOf(error)}. Said once per consumer`,
    );
  }
}
