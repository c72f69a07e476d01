import { type Call, ScriptCall } from "./call.js";
import type { Entry } from "./entry.js";
import { KeyLines } from "./key-lines.js";
import type { KeyedRequest, Verb } from "./verb.js";

/** What a lane asks of its queues. */
export interface CallSource {
  /** Whether a call should be sent at `nowMs`, a reading of `performance.now()`. */
  isReady(nowMs: number): boolean;
  /** Takes the next call off the queue. */
  take(nowMs: number): Call;
  /** Drops what expired while it waited. */
  prune(): void;
}

/**
 * So many keys are worth a call of their own while another one of their verb is under way. Fewer wait a little for its
 * answer and travel with what comes meanwhile: a call costs as much as twenty keys.
 */
const KEYS_WORTH_A_CALL = 32;

/** Nobody waits for a call that has been under way for longer than this, in milliseconds: the network is slow. */
const SHORT_CALL_MS = 1;

/** Requests of one verb that wait to travel. No key is twice under way: the second waits for the first one's answer. */
export class CallQueue<Request extends KeyedRequest, Reply> implements CallSource {
  readonly verb: Verb<Request, Reply>;
  readonly #maxKeysPerCall: number;
  readonly #onOdd: (code: string) => void;
  readonly #wake: () => void;
  readonly #keysWorthACall: number;
  #waiting: Entry<Reply>[] = [];
  #callsUnderWay = 0;
  #sentAtMs = 0;
  /** Every key that waits or is under way. */
  readonly #lines: KeyLines<Entry<Reply>>;

  constructor(
    verb: Verb<Request, Reply>,
    maxKeysPerCall: number,
    tableSize: number,
    onOdd: (code: string) => void,
    wake: () => void,
  ) {
    this.#lines = new KeyLines(tableSize);
    this.verb = verb;
    this.#maxKeysPerCall = maxKeysPerCall;
    this.#keysWorthACall = Math.min(KEYS_WORTH_A_CALL, maxKeysPerCall);
    this.#onOdd = onOdd;
    this.#wake = wake;
  }

  isReady(nowMs: number): boolean {
    const { length } = this.#waiting;
    if (length === 0) return false;
    const isFree = this.#callsUnderWay === 0 || nowMs - this.#sentAtMs > SHORT_CALL_MS;
    return isFree || length >= this.#keysWorthACall;
  }

  add(entry: Entry<Reply>): void {
    if (this.#lines.join(entry)) this.#waiting.push(entry);
  }

  take(nowMs: number): Call {
    this.#sentAtMs = nowMs;
    let entries = this.#waiting;
    if (entries.length <= this.#maxKeysPerCall) this.#waiting = [];
    else entries = entries.splice(0, this.#maxKeysPerCall);
    this.#callsUnderWay += 1;
    return new ScriptCall(this.verb, entries, this.#onOdd, this.#over);
  }

  prune(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const entry of waiting) {
      if (entry.ticket.isSettled) this.#follow(entry);
      else this.#waiting.push(entry);
    }
  }

  readonly #over = (entries: readonly Entry<Reply>[]): void => {
    this.#callsUnderWay -= 1;
    for (const entry of entries) this.#follow(entry);
    if (this.#waiting.length > 0) this.#wake();
  };

  /** Lets the next request for the same key travel; those that expired meanwhile are dropped. */
  #follow(entry: Entry<Reply>): void {
    let next = this.#lines.leave(entry);
    while (next?.ticket.isSettled === true) next = this.#lines.leave(next);
    if (next !== undefined) this.#waiting.push(next);
  }
}
