import { quote } from "@onlyonce/core/internal";
import type { InLine } from "./key-lines.js";
import type { Ticket } from "./ticket.js";
import type { KeyedRequest, Verb } from "./verb.js";

/** One key of a ticket, on its way to the server. */
export interface Entry<Reply> extends InLine<Entry<Reply>> {
  readonly ticket: Ticket<Reply>;
  /** Its place in the ticket. */
  readonly index: number;
  /** The arguments that the script wants for this key. */
  readonly first: string;
  readonly second: string;
  /** Whole milliseconds. */
  readonly leaseMs: number;
  readonly windowMs: number;
}

const KEY = /^[A-Za-z0-9_-]{22}$/;

/** Thirty years: keeps an instant in a record at 13 digits. */
const LONGEST_MS = 1_000_000_000_000;

/** Throws for a request that must not reach the server. */
export function entryOf<Request extends KeyedRequest, Reply>(
  ticket: Ticket<Reply>,
  index: number,
  prefix: string,
  request: Request,
  verb: Verb<Request, Reply>,
): Entry<Reply> {
  const { key } = request;
  if (!KEY.test(key))
    throw new TypeError(`a key must be 22 base64url characters, got ${quote(key)}`);
  return {
    ticket,
    index,
    key: `${prefix}{${key.charAt(0)}}${key.slice(1)}`,
    first: verb.first(request),
    second: verb.second === undefined ? "" : verb.second(request),
    leaseMs: wholeMs("leaseMs", request.leaseMs),
    windowMs: wholeMs("windowMs", request.windowMs),
    place: (key.charCodeAt(20) << 6) ^ key.charCodeAt(10),
    next: undefined,
    last: undefined,
    neighbour: undefined,
  };
}

/** A lease or window that is not a positive number would mean "expired at once": every copy would run. */
function wholeMs(name: string, ms: number): number {
  if (typeof ms !== "number" || !Number.isFinite(ms) || ms <= 0) {
    throw new RangeError(`${name} must be a positive number of milliseconds, got ${quote(ms)}`);
  }
  return Math.min(LONGEST_MS, Math.ceil(ms));
}
