import type { Outcome } from "@onlyonce/core";
import type { JournalEntry } from "./journal.js";
import type { Effect } from "./ledger.js";

/** One arrival of one copy at one consumer, put together from journal and ledger. */
export interface Arrival {
  readonly copyId: string;
  readonly consumer: string;
  readonly deliveredAtMs: number;
  /** Undefined: its consumer was killed, or it left the message to the next owner of its partition. */
  readonly outcome: Outcome | undefined;
  /** From then on this consumer was done with the copy. Undefined: it never was. */
  readonly doneAtMs: number | undefined;
}

/** What one broker's consumers did. */
export interface Trace {
  readonly arrivals: readonly Arrival[];
  /** Consumer to the moment of its SIGKILL, in milliseconds since 1970. */
  readonly killedAtMs: ReadonlyMap<string, number>;
  /** The arrival during which an effect was written. */
  arrivalOf(effect: Effect): Arrival;
}

type Unfinished = { -readonly [Field in keyof Arrival]: Arrival[Field] };

/** Given back to the broker: it will come again. */
export function isHandedBack(outcome: Outcome | undefined): boolean {
  return outcome === "busy" || outcome === "failed" || outcome === "store_error";
}

/** Throws where journal and ledger contradict each other, or a delivery has two outcomes. */
export function traceOf(journal: readonly JournalEntry[], ledger: readonly Effect[]): Trace {
  const arrivals = new Map<string, Unfinished>();
  const killedAtMs = new Map<string, number>();
  const find = (consumer: string, delivery: number): Unfinished => {
    const arrival = arrivals.get(`${consumer} ${delivery}`);
    if (arrival === undefined) throw new Error(`${consumer} has no delivery ${delivery}`);
    return arrival;
  };
  for (const entry of journal) {
    const { consumer, atMs } = entry;
    switch (entry.event) {
      case "delivered":
        arrivals.set(`${consumer} ${entry.delivery}`, {
          copyId: entry.copyId,
          consumer,
          deliveredAtMs: atMs,
          outcome: undefined,
          doneAtMs: undefined,
        });
        break;
      case "outcome": {
        const arrival = find(consumer, entry.delivery);
        if (arrival.outcome !== undefined) {
          throw new Error(`${consumer} has two outcomes for delivery ${entry.delivery}`);
        }
        arrival.outcome = entry.outcome;
        if (!isHandedBack(entry.outcome)) arrival.doneAtMs = atMs;
        break;
      }
      case "killed":
        killedAtMs.set(consumer, atMs);
        break;
      case "incident":
        break;
    }
  }
  for (const { consumer, delivery, atMs } of ledger) find(consumer, delivery).doneAtMs ??= atMs;
  return {
    arrivals: [...arrivals.values()],
    killedAtMs,
    arrivalOf: ({ consumer, delivery }) => find(consumer, delivery),
  };
}
