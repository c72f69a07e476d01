import { type Cause, causeOf } from "./cause.js";
import { groupBy } from "./grouping.js";
import type { JournalEntry } from "./journal.js";
import type { Effect } from "./ledger.js";
import { type Arrival, isHandedBack, type Trace, traceOf } from "./trace.js";
import type { Copy } from "./workload.js";

/** Everything that is known about one broker's run when it is over. */
export interface Evidence {
  readonly published: readonly Copy[];
  readonly ledger: readonly Effect[];
  /** Of all its consumers and of the supervisor; each in order of time. */
  readonly journal: readonly JournalEntry[];
  /** Whether the broker moves partitions between consumers. */
  readonly hasRebalances: boolean;
}

type Causes = Readonly<Record<Cause, number>>;

/** The numbers of one broker, or of both. */
export interface Audit {
  /** Publications: every task at least once. */
  readonly published: number;
  readonly tasks: number;
  /** Arrivals at a consumer. */
  readonly deliveries: number;
  readonly effects: number;
  /** Deliveries that were dropped as duplicates. */
  readonly dropped: Causes;
  /** Deliveries that were given back to the broker: the key was busy, the handler failed, or Redis was away. */
  readonly handedBack: number;
  /** Deliveries without an outcome: their consumer was killed, or it left them to another. */
  readonly unfinished: number;
  /** Tasks without an effect. */
  readonly lost: number;
  /** Effects beyond the first of their task. */
  readonly doubled: number;
  readonly doubledBy: Causes;
  /** Of the doubled: those that repeat an effect whose consumer was killed between ledger and completion. */
  readonly explained: number;
}

const NO_CAUSES: Causes = { publisher: 0, kill: 0, rebalance: 0, other: 0 };

/** Counts what became of every publication. Pure: the same evidence gives the same numbers. */
export function audit(evidence: Evidence): Audit {
  const { published, ledger } = evidence;
  const trace = traceOf(evidence.journal, ledger);
  const tasks = new Set(published.map(({ task }) => task.id));
  const byTask = groupBy(ledger, ({ id }) => id);
  const byCopy = groupBy(trace.arrivals, ({ copyId }) => copyId);
  const cause = (arrival: Arrival): Cause =>
    causeOf(arrival, byCopy.get(arrival.copyId) ?? [], trace.killedAtMs, evidence.hasRebalances);

  const dropped = { ...NO_CAUSES };
  for (const arrival of trace.arrivals) {
    if (arrival.outcome === "duplicate") dropped[cause(arrival)] += 1;
  }

  const doubledBy = { ...NO_CAUSES };
  let explained = 0;
  for (const [id, effects] of byTask) {
    if (!tasks.has(id)) throw new Error(`the ledger holds ${id}, which was never published`);
    let before: Effect | undefined;
    for (const effect of effects.toSorted((a, b) => a.atMs - b.atMs)) {
      if (before !== undefined) {
        doubledBy[cause(trace.arrivalOf(effect))] += 1;
        if (isCutShort(before, effect, trace)) explained += 1;
      }
      before = effect;
    }
  }

  return {
    published: published.length,
    tasks: tasks.size,
    deliveries: trace.arrivals.length,
    effects: ledger.length,
    dropped,
    handedBack: trace.arrivals.filter(({ outcome }) => isHandedBack(outcome)).length,
    unfinished: trace.arrivals.filter(({ outcome }) => outcome === undefined).length,
    lost: tasks.size - byTask.size,
    doubled: ledger.length - byTask.size,
    doubledBy,
    explained,
  };
}

/**
 * The consumer of `effect` was killed before it was done with the delivery, and only then came `next`. When exactly it
 * wrote the effect need not be asked: the dead write nothing.
 */
function isCutShort(effect: Effect, next: Effect, trace: Trace): boolean {
  const killedAtMs = trace.killedAtMs.get(effect.consumer);
  if (killedAtMs === undefined || next.atMs < killedAtMs) return false;
  return trace.arrivalOf(effect).outcome === undefined;
}

/** Adds up the numbers of several brokers. */
export function total(audits: readonly Audit[]): Audit {
  const sum = (of: (one: Audit) => number): number =>
    audits.reduce((subtotal, one) => subtotal + of(one), 0);
  const sumCauses = (of: (one: Audit) => Causes): Causes => ({
    publisher: sum((one) => of(one).publisher),
    kill: sum((one) => of(one).kill),
    rebalance: sum((one) => of(one).rebalance),
    other: sum((one) => of(one).other),
  });
  return {
    published: sum((one) => one.published),
    tasks: sum((one) => one.tasks),
    deliveries: sum((one) => one.deliveries),
    effects: sum((one) => one.effects),
    dropped: sumCauses((one) => one.dropped),
    handedBack: sum((one) => one.handedBack),
    unfinished: sum((one) => one.unfinished),
    lost: sum((one) => one.lost),
    doubled: sum((one) => one.doubled),
    doubledBy: sumCauses((one) => one.doubledBy),
    explained: sum((one) => one.explained),
  };
}
