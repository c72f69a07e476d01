import type { Deduplicator } from "@onlyonce/core";
import type { AttendOptions, Delivery, Ticket } from "@onlyonce/core/adapter";
import { attend, claimAll } from "@onlyonce/core/adapter";

/** The tickets of one call of claims, in the order of their records. Those not taken yet can be given back together. */
export class ClaimedAhead {
  readonly #tickets: readonly Ticket[];
  #taken = 0;
  #release: Promise<unknown> | undefined;

  constructor(tickets: readonly Ticket[]) {
    this.#tickets = tickets;
  }

  static async claim(
    deduplicator: Deduplicator,
    deliveries: readonly Delivery[],
    options: AttendOptions,
  ): Promise<ClaimedAhead> {
    return new ClaimedAhead(await claimAll(deduplicator, deliveries, options));
  }

  /** Nothing is claimed ahead: each one claims when its turn comes, and is answered before the next one starts. */
  static oneByOne(
    deduplicator: Deduplicator,
    deliveries: readonly Delivery[],
    options: AttendOptions,
  ): ClaimedAhead {
    return new ClaimedAhead(deliveries.map((delivery) => alone(deduplicator, delivery, options)));
  }

  /** How many were taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** The next ticket, left where it is. Undefined: there is none, or the rest was given back. */
  get next(): Ticket | undefined {
    return this.#release === undefined ? this.#tickets[this.#taken] : undefined;
  }

  /** Takes the next ticket: the caller runs it. */
  take(): Ticket | undefined {
    const ticket = this.next;
    if (ticket !== undefined) this.#taken += 1;
    return ticket;
  }

  /** Gives back what was not taken. Resolves in bounded time, once the store has answered or failed. */
  async letGo(): Promise<void> {
    this.#release ??= Promise.all(this.#tickets.slice(this.#taken).map((one) => one.abandon()));
    await this.#release;
  }
}

function alone(deduplicator: Deduplicator, delivery: Delivery, options: AttendOptions): Ticket {
  const start: Ticket["start"] = (handler) => {
    const verdict = attend(deduplicator, delivery, handler, options);
    return { handled: verdict.then(({ settlement }) => settlement === "ack"), verdict };
  };
  return {
    status: "later",
    start,
    run: (handler) => start(handler).verdict,
    abandon: async () => undefined,
  };
}
