import type { Clock } from "./clock.js";
import { type Linked, LinkedList } from "./linked-list.js";
import type { ClaimLoss } from "./observer.js";
import type { AbortReason } from "./run-context.js";
import type { Held, RenewReply, Store } from "./store.js";

/** How often leases are looked at, as a share of the lease. */
const TICK = 1 / 12;
/** When a renewal is due, and when it is tried again after no answer, as shares of the lease. */
const RENEW_AFTER = 1 / 3;
/** A lease counts as lapsed this share of itself before the store would say so: room for the answer's way and for ticks. */
const MARGIN = 1 / 6;

/** A granted claim, as long as this process tends it. */
export class Lease implements Linked<Lease> {
  /** What it was granted as. Its origin may change: a claim taken ahead learns its span when it runs. */
  held: Held;
  /** Local time after which the lease may have lapsed: reckoned from when the last answered call was *sent*. */
  deadlineMs: number;
  renewAtMs: number;
  /** Local time at which the longest processing time is up. */
  stopAtMs: number = Number.POSITIVE_INFINITY;
  renewing = false;
  lost = false;
  ended = false;
  /** The last renewal was not answered. */
  unanswered = false;
  onAbort: ((reason: AbortReason, loss?: ClaimLoss) => void) | undefined;
  previous: Lease | undefined;
  next: Lease | undefined;

  constructor(held: Held, sentAtMs: number) {
    this.held = held;
    this.deadlineMs = 0;
    this.renewAtMs = 0;
    this.answered(sentAtMs);
  }

  /** A claim, start or renewal that was sent at `sentAtMs` has been granted. */
  answered(sentAtMs: number): void {
    this.deadlineMs = sentAtMs + this.held.leaseMs * (1 - MARGIN);
    this.renewAtMs = sentAtMs + this.held.leaseMs * RENEW_AFTER;
    this.unanswered = false;
  }

  /** Whether a handler may start: nobody else can have taken the key over. */
  isFresh(nowMs: number): boolean {
    return !this.lost && nowMs < this.deadlineMs;
  }

  abort(reason: AbortReason, loss?: ClaimLoss): void {
    const onAbort = this.onAbort;
    this.onAbort = undefined;
    onAbort?.(reason, loss);
  }
}

export interface LeaseEvents {
  /** The store had lost the record of a claim; the renewal restored it. */
  restored(lease: Lease): void;
}

/** Renews all claims that this process holds, those of equal lease length as one group and in one call. */
export class LeaseKeeper {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #events: LeaseEvents;
  readonly #groups = new Map<number, LinkedList<Lease>>();
  readonly #ticking = new Map<number, () => void>();
  #closed = false;

  constructor(store: Store, clock: Clock, events: LeaseEvents) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
  }

  hold(held: Held, sentAtMs: number): Lease {
    const lease = new Lease(held, sentAtMs);
    let group = this.#groups.get(held.leaseMs);
    if (group === undefined) {
      group = new LinkedList();
      this.#groups.set(held.leaseMs, group);
    }
    group.add(lease);
    if (!this.#ticking.has(held.leaseMs)) this.#schedule(held.leaseMs, group);
    return lease;
  }

  end(lease: Lease): void {
    lease.ended = true;
    lease.onAbort = undefined;
    this.#groups.get(lease.held.leaseMs)?.delete(lease);
  }

  /** Stops renewing: what is still held is left as a crash would leave it. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#ticking.values()) cancel();
    this.#ticking.clear();
    this.#groups.clear();
  }

  #schedule(leaseMs: number, group: LinkedList<Lease>): void {
    if (this.#closed) return;
    const tick = (): void => {
      this.#ticking.delete(leaseMs);
      if (group.isEmpty) return;
      this.#look(group);
      this.#schedule(leaseMs, group);
    };
    this.#ticking.set(leaseMs, this.#clock.after(leaseMs * TICK, tick));
  }

  #look(group: LinkedList<Lease>): void {
    const now = this.#clock.nowMs();
    const due: Lease[] = [];
    for (const lease of group.toArray()) {
      if (now >= lease.stopAtMs) {
        lease.abort("time_up");
        continue;
      }
      if (lease.lost) continue;
      if (now >= lease.deadlineMs) {
        const isUnanswered = lease.unanswered || lease.renewing;
        lease.abort("lease_lost", isUnanswered ? "renew_failed" : "expired");
      }
      if (now >= lease.renewAtMs && !lease.renewing) due.push(lease);
    }
    if (due.length > 0) void this.#renew(due);
  }

  async #renew(due: readonly Lease[]): Promise<void> {
    for (const lease of due) lease.renewing = true;
    const sentAtMs = this.#clock.nowMs();
    let replies: readonly RenewReply[] = [];
    try {
      replies = await this.#store.renew(due.map((lease) => lease.held));
    } catch {
      // No answer is not a loss: the next tick tries again, and the local deadline aborts the handler.
    }
    for (const [index, lease] of due.entries()) {
      lease.renewing = false;
      if (lease.ended) continue;
      const reply = replies[index];
      if (reply === "lost") {
        lease.lost = true;
        lease.abort("lease_lost", "taken_over");
      } else if (reply === "ok" || reply === "restored") {
        lease.answered(sentAtMs);
        if (reply === "restored") this.#events.restored(lease);
      } else {
        lease.unanswered = true;
      }
    }
  }
}
