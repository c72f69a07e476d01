/** What a handler is given beside the message. */
export interface Context {
  /** Failures and marked starts of this key so far, plus one. */
  readonly attempt: number;
  /** Stable across attempts and processes: pass it to a payment API. */
  readonly idempotencyKey: string;
  /**
   * Aborts when the lease is lost or the longest processing time is up, not at shutdown. A handler that stops because
   * of it must throw: resolving after the abort, once this getter was read, does not count as done.
   */
  readonly signal: AbortSignal;
  /** Nothing was done: settle the message, do not remember it. */
  skip(): void;
}

export type Handler<Result> = (context: Context) => Result | PromiseLike<Result>;

/** Why a message is dead-lettered. */
export interface DeadLetterReason {
  readonly error: unknown;
  readonly attempt: number;
  /** W3C `traceparent` of the span in which it failed, where an observer knows one. */
  readonly traceparent?: string;
}
