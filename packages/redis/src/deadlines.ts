/** Something that must be over at its deadline, a reading of `performance.now()`. */
export interface Expiring {
  readonly deadlineMs: number;
  readonly isSettled: boolean;
  expire(error: unknown): void;
}

/** Expires tickets that were not answered in time, with one timer for all of them. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #timedOut: () => unknown;
  readonly #onExpired: (nowMs: number) => void;
  /** In the order of their deadlines, because all of them get the same time. */
  #tickets: (Expiring | undefined)[] = [];
  #head = 0;
  #isArmed = false;

  constructor(timeoutMs: number, timedOut: () => unknown, onExpired: (nowMs: number) => void) {
    this.#timeoutMs = timeoutMs;
    this.#timedOut = timedOut;
    this.#onExpired = onExpired;
  }

  next(): number {
    return performance.now() + this.#timeoutMs;
  }

  watch(ticket: Expiring): void {
    this.#dropSettled();
    this.#tickets.push(ticket);
    if (!this.#isArmed) this.#arm(this.#timeoutMs);
  }

  #arm(delayMs: number): void {
    this.#isArmed = true;
    // After a blocked event loop the timer comes before the replies that wait in the socket: let them in first.
    setTimeout(() => setImmediate(() => this.#sweep()), delayMs).unref();
  }

  #sweep(): void {
    const nowMs = performance.now();
    const error = this.#expireUntil(nowMs);
    const next = this.#tickets[this.#head];
    this.#isArmed = false;
    // Not for every single one: in an outage there may be thousands, each at its own instant.
    const pauseMs = this.#timeoutMs / 50;
    if (next !== undefined) this.#arm(Math.ceil(Math.max(pauseMs, next.deadlineMs - nowMs)));
    if (error !== undefined) this.#onExpired(nowMs);
  }

  #expireUntil(nowMs: number): unknown {
    let error: unknown;
    this.#dropSettled();
    for (
      let ticket = this.#tickets[this.#head];
      ticket !== undefined && ticket.deadlineMs <= nowMs;
      ticket = this.#tickets[this.#head]
    ) {
      error ??= this.#timedOut();
      ticket.expire(error);
      this.#dropSettled();
    }
    return error;
  }

  #dropSettled(): void {
    const tickets = this.#tickets;
    while (tickets[this.#head]?.isSettled === true) {
      // Kept no longer than needed: replies may be large.
      tickets[this.#head] = undefined;
      this.#head += 1;
    }
    if (this.#head === tickets.length) {
      if (this.#head > 0) this.#tickets = [];
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#tickets = tickets.slice(this.#head);
      this.#head = 0;
    }
  }
}
