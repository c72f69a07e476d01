import { AsyncLocalStorage } from "node:async_hooks";
import type { Delivery, Observer, Outcome, OutcomeDetail } from "@onlyonce/core";
import { AppendOnlyFile, readLines } from "./append-only-file.js";

interface Entry {
  readonly consumer: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** What happened, as each consumer and the supervisor wrote it down at once. */
export type JournalEntry =
  | (Entry & {
      readonly event: "delivered";
      /** Counts the deliveries of this consumer. */
      readonly delivery: number;
      readonly copyId: string;
    })
  | (Entry & {
      readonly event: "outcome";
      readonly delivery: number;
      readonly outcome: Outcome;
      readonly detail?: OutcomeDetail;
    })
  | (Entry & { readonly event: "incident"; readonly kind: string })
  /** Written by the supervisor, just before the signal is sent. */
  | (Entry & { readonly event: "killed"; readonly pid: number });

export class Journal extends AppendOnlyFile<JournalEntry> {}

export function readJournal(path: string): readonly JournalEntry[] {
  return readLines(path) as readonly JournalEntry[];
}

const running = new AsyncLocalStorage<number>();

/** Which of this consumer's deliveries the running handler works on. */
export function currentDelivery(): number {
  const delivery = running.getStore();
  if (delivery === undefined) throw new Error("no delivery is being worked on");
  return delivery;
}

/** Writes every delivery and every outcome of a deduplicator into a journal. */
export function journalObserver(journal: Pick<Journal, "append">, consumer: string): Observer {
  const numbers = new WeakMap<Delivery, number>();
  let deliveries = 0;
  return {
    around(arrived, next) {
      deliveries += 1;
      const delivery = deliveries;
      numbers.set(arrived, delivery);
      // Clients hand headers over as text or as bytes.
      const copyId = String(arrived.headers?.["copy-id"]);
      journal.append({ event: "delivered", consumer, delivery, copyId, atMs: Date.now() });
      return running.run(delivery, next);
    },
    outcome({ delivery: arrived, outcome, detail }) {
      const delivery = numbers.get(arrived);
      if (delivery === undefined) throw new Error("an outcome of a delivery that never arrived");
      const told = { event: "outcome", consumer, delivery, outcome, atMs: Date.now() } as const;
      journal.append(detail === undefined ? told : { ...told, detail });
    },
    incident({ kind }) {
      journal.append({ event: "incident", consumer, kind, atMs: Date.now() });
    },
  };
}
