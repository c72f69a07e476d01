import { FaultyStore, type ManualClock } from "@onlyonce/testing";
import { expect } from "vitest";
import {
  type AttendOptions,
  attend,
  type Context,
  claimAll,
  type Verdict,
} from "../src/adapter.js";
import type { Clock, Deduplicator, Delivery, Observer, Store } from "../src/index.js";
import { PermanentError } from "../src/index.js";
import { createDeduplicatorWith } from "../src/internal.js";
import { type RunPlan, type Scenario, SLOW_MS } from "./fault-scenario.js";
import type { Trip } from "./simulated-message.js";

/** Lease 3 s, longest processing 5 s; nothing is forgotten while a scenario lasts. */
const POLICY = {
  ackTimeoutMs: 10_000,
  leaseMs: 3_000,
  busyWaitMs: 2_000,
  windowMs: 86_400_000,
  maxAttempts: 3,
};
const VERBS = ["claim", "remember", "start", "renew", "complete", "release"] as const;

/** What a worker tells its broker. */
export interface Reports {
  settled(trip: Trip, verdict: Verdict): void;
  /** Publishes a dead letter; may fail. */
  published(delivery: Delivery, error: unknown): Promise<void>;
  /** It died with these in its hands. */
  died(trips: readonly Trip[]): void;
  /** Runs an assertion where a failure would otherwise count as the handler's, or as nobody's. */
  check(assertion: () => void): void;
}

/** A consumer process: it can die, and then nothing more comes of it. */
export class SimulatedWorker {
  readonly store: FaultyStore;
  readonly #clock: ManualClock;
  readonly #scenario: Scenario;
  readonly #reports: Reports;
  readonly #dedup: Deduplicator;
  readonly #open = new Set<Trip>();
  /** Timers that it has set and that have neither fired nor been cancelled. */
  pendingTimers = 0;
  #isDead = false;
  #isClosing = false;

  constructor(
    shared: Store,
    clock: ManualClock,
    scenario: Scenario,
    reports: Reports,
    isSlow: boolean,
  ) {
    this.#clock = clock;
    this.#scenario = scenario;
    this.#reports = reports;
    this.store = new FaultyStore(shared, clock);
    const slowed = new FaultyStore(this.store, clock);
    if (isSlow) slowed.always(VERBS, { kind: "delay", when: "before", ms: SLOW_MS });
    const defaults = { ...POLICY, onStoreDown: scenario.onStoreDown };
    const options = {
      store: slowed,
      scope: "billing",
      defaults,
      observers: [this.#observer()],
    };
    this.#dedup = createDeduplicatorWith(options, this.#countingClock());
  }

  /** Whether there is nothing more to come of it. */
  get isDone(): boolean {
    return this.#isDead || this.#open.size === 0;
  }

  /** Takes deliveries, each for itself. */
  deliver(trips: readonly Trip[]): void {
    for (const trip of trips) {
      this.#open.add(trip);
      const verdict = attend(this.#dedup, trip.delivery, this.#handler(trip), this.#options());
      void verdict.then((ended) => this.#settle(trip, ended));
    }
  }

  /** Takes deliveries ahead with one call, and runs one after the other. What comes after a failure is not started. */
  async deliverBatch(trips: readonly Trip[]): Promise<void> {
    for (const trip of trips) this.#open.add(trip);
    const deliveries = trips.map(({ delivery }) => delivery);
    const tickets = await claimAll(this.#dedup, deliveries, this.#options());
    let goesOn = true;
    for (const [place, trip] of trips.entries()) {
      const ticket = tickets[place];
      if (ticket === undefined) expect.fail("a delivery of a batch has no ticket");
      if (goesOn) {
        const run = ticket.start(this.#handler(trip));
        void run.verdict.then((verdict) => this.#settle(trip, verdict));
        goesOn = await run.handled;
      } else {
        await ticket.abandon();
        this.#settle(trip, { outcome: undefined, settlement: "return" }, true);
      }
    }
  }

  /** Dies at once: what has left for the store may still arrive, and nothing else ever will. */
  crash(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.store.restore();
    this.store.always(VERBS, { kind: "hang", when: "before" });
    void this.#dedup.close({ drainMs: 0 });
    const trips = [...this.#open];
    for (const trip of trips) {
      trip.isCut = true;
      trip.isRunning = false;
      trip.message.strikes += 1;
    }
    this.#reports.died(trips);
  }

  /** Shuts down in good order, and is gone when that is over. */
  async drain(drainMs: number): Promise<void> {
    this.#isClosing = true;
    await this.#dedup.close({ drainMs });
    this.crash();
  }

  close(): Promise<void> {
    this.#isClosing = true;
    return this.#dedup.close({ drainMs: 1_000 });
  }

  #settle(trip: Trip, verdict: Verdict, isAbandoned = false): void {
    if (this.#isDead) return;
    this.#open.delete(trip);
    const wanted = verdict.outcome === undefined ? [] : [verdict.outcome];
    this.#reports.check(() => {
      expect(trip.outcomes.map(({ outcome }) => outcome)).toEqual(wanted);
      if (verdict.settlement === "return" && !isAbandoned) expect(this.#isClosing).toBe(true);
    });
    this.#reports.settled(trip, verdict);
  }

  #options(): AttendOptions {
    const { deadLetter } = this.#scenario;
    if (deadLetter !== "publish") return deadLetter === "none" ? {} : { deadLetter };
    return {
      deadLetter: ({ error }, delivery) =>
        this.#isDead ? never() : this.#reports.published(delivery, error),
    };
  }

  #handler(trip: Trip): (context: Context) => Promise<string> {
    return async (context) => {
      if (this.#isDead) return this.#tooLate(trip);
      const plan = trip.message.nextRun();
      this.#begin(trip);
      const isStopped = await this.#work(plan, context);
      if (this.#isDead) return never();
      trip.isRunning = false;
      if (isStopped && plan.onAbort === "returns") return "nothing done";
      if (isStopped && plan.onAbort === "throws") throw new Error("aborted");
      switch (plan.ends) {
        case "throws":
          trip.message.strikes += 1;
          throw new Error("declined");
        case "throws for good":
          trip.message.strikes += 1;
          throw new PermanentError("unknown account");
        case "skips":
          trip.message.skips += 1;
          context.skip();
          return "skipped";
        case "resolves":
          trip.effects += 1;
          return "done";
      }
    };
  }

  /** A run begins: nobody alive may be running the message, unless he was told to stop or nobody protects it. */
  #begin(trip: Trip): void {
    const others = trip.message.trips.filter((other) => other.isRunning && !other.isAborted);
    if (this.#scenario.onStoreDown === "wait") {
      const complaint = `${trip.message.id} runs twice at once`;
      this.#reports.check(() => expect(others.length, complaint).toBe(0));
    }
    trip.isRunning = true;
    trip.isAborted = false;
  }

  /** The answer to a claim came after the end. */
  #tooLate({ message }: Trip): Promise<never> {
    const complaint = `a run of ${message.id} began after the deduplicator had closed`;
    this.#reports.check(() => expect(this.#isClosing, complaint).toBe(false));
    return never();
  }

  /** Works for as long as planned; true: it stopped because it was told to. */
  #work({ lastsMs, onAbort }: RunPlan, context: Context): Promise<boolean> {
    const signal = onAbort === "unaware" ? undefined : context.signal;
    return new Promise((resolve) => {
      const cancel = this.#clock.after(lastsMs, () => resolve(false));
      if (onAbort === "goes on") return;
      signal?.addEventListener("abort", () => {
        cancel();
        resolve(true);
      });
    });
  }

  #observer(): Observer {
    return {
      outcome: (event) => {
        if (!this.#isDead) this.#tripOf(event.delivery)?.outcomes.push(event);
      },
      incident: ({ kind, delivery }) => {
        if (this.#isDead || delivery === undefined) return;
        if (kind !== "lease_lost" && kind !== "time_up") return;
        const trip = this.#tripOf(delivery);
        if (trip === undefined) return;
        trip.isAborted = true;
        trip.message.strikes += 1;
      },
    };
  }

  #tripOf(delivery: Delivery): Trip | undefined {
    const trip = [...this.#open].find((open) => open.delivery === delivery);
    const complaint = "an observer was told of a delivery that is not under way";
    this.#reports.check(() => expect(trip, complaint).toBeDefined());
    return trip;
  }

  #countingClock(): Clock {
    return {
      nowMs: () => this.#clock.nowMs(),
      after: (delayMs, run) => {
        this.pendingTimers += 1;
        let isPending = true;
        const done = (): void => {
          if (isPending) this.pendingTimers -= 1;
          isPending = false;
        };
        const cancel = this.#clock.after(delayMs, () => {
          done();
          run();
        });
        return () => {
          done();
          cancel();
        };
      },
    };
  }
}

/** What waits for a process that died. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
