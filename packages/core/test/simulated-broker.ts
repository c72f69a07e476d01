import { ManualClock } from "@onlyonce/testing";
import { expect } from "vitest";
import type { Verdict } from "../src/adapter.js";
import { type Delivery, memoryStore, PermanentError, type Store } from "../src/index.js";
import { planned, type Scenario, type Step } from "./fault-scenario.js";
import { SimulatedMessage, type Trip } from "./simulated-message.js";
import { type Reports, SimulatedWorker } from "./simulated-worker.js";

const WORKERS = 3;
const MAX_ATTEMPTS = 3;
/** Time enough, in steps of half a second, for every lease, back-off and plan to end. */
const MOST_ROUNDS = 400;

/** A broker that delivers at least once, and the workers that consume from it. */
export class SimulatedBroker implements Reports {
  readonly #scenario: Scenario;
  readonly #clock = new ManualClock();
  readonly #store: Store = memoryStore({ clock: this.#clock });
  readonly #messages: readonly SimulatedMessage[];
  /** Copies that nobody has in his hands. */
  readonly #waiting: SimulatedMessage[] = [];
  readonly #workers: SimulatedWorker[] = [];
  readonly #gone: SimulatedWorker[] = [];
  #lettersLost: number;
  /** What went wrong where nobody waits for it. */
  readonly #errors: unknown[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#lettersLost = scenario.lettersLost;
    this.#messages = scenario.messages.map(
      (plan, place) => new SimulatedMessage(`m${place}`, plan),
    );
    for (const [place, { copies }] of scenario.messages.entries()) {
      const message = this.#messages[place] ?? expect.fail();
      for (let copy = 0; copy < copies; copy += 1) this.#waiting.push(message);
    }
    for (let place = 0; place < WORKERS; place += 1) this.#hire(place);
  }

  /** Goes through the scenario, then lets everything that is broken be mended and waits until nothing is left to do. */
  async play(): Promise<void> {
    for (const step of this.#scenario.steps) {
      await this.#take(step);
      await this.#clock.advance(0);
      this.#expectNoErrors();
    }
    await this.#settleAll();
    // What was dead-lettered is sent again, and runs again.
    this.#waiting.push(...this.#messages.filter(({ letters }) => letters > 0));
    await this.#settleAll();
    for (const message of this.#messages) {
      message.expectKept("settled");
      message.expectDoublesReported();
    }
    await this.#expectNothingLeft();
  }

  settled(trip: Trip, verdict: Verdict): void {
    this.check(() => {
      const { message } = trip;
      switch (verdict.settlement) {
        case "ack":
          // The mark of its start stands, for all that the store knows.
          if (verdict.detail === "unrecorded") message.strikes += 1;
          if (verdict.detail === "poison") message.strikes = 0;
          if (verdict.outcome !== "duplicate")
            return message.expectKept(verdict.outcome ?? "acked");
          return expect(message.effects, "a duplicate of nothing").toBeGreaterThan(0);
        case "reject":
          this.#letter(message, verdict.error);
          message.strikes = 0;
          return;
        case "retry":
          if (verdict.outcome === "store_error") message.strikes += 1;
          this.#waiting.push(message);
          return;
        case "return":
          this.#waiting.push(message);
          return;
      }
    });
  }

  async published(delivery: Delivery, error: unknown): Promise<void> {
    if (this.#lettersLost > 0) {
      this.#lettersLost -= 1;
      throw new Error("the dead letter was not confirmed");
    }
    const message = this.#messages.find(({ id }) => id === delivery.id);
    if (message !== undefined) this.check(() => this.#letter(message, error));
  }

  died(trips: readonly Trip[]): void {
    for (const { message } of trips) this.#waiting.push(message);
  }

  check(assertion: () => void): void {
    try {
      assertion();
    } catch (error) {
      this.#errors.push(error);
    }
  }

  /** Poison is what failed often enough, and what its handler gave up for good. */
  #letter(message: SimulatedMessage, error: unknown): void {
    message.letters += 1;
    if (PermanentError.is(error)) return;
    const complaint = `${message.id} was dead-lettered after ${message.strikes} failures`;
    expect(message.strikes, complaint).toBeGreaterThanOrEqual(MAX_ATTEMPTS);
  }

  #hire(place: number): void {
    const former = this.#workers[place];
    if (former !== undefined) this.#gone.push(former);
    const isSlow = this.#scenario.slow[place] === true;
    const worker = new SimulatedWorker(this.#store, this.#clock, this.#scenario, this, isSlow);
    this.#workers[place] = worker;
    // The first at a place goes through the plan of that place; its successors find the network mended.
    if (former !== undefined) return;
    if (this.#scenario.mute[place] === true) {
      worker.store.always(["renew"], { kind: "fail", when: "before" });
    }
    planned(this.#scenario.faults[place], (verb, script) => worker.store.next(verb, ...script));
  }

  async #take(step: Step): Promise<void> {
    if (step.do === "advance") return this.#clock.advance(step.ms);
    if (step.do === "spread") {
      for (const worker of this.#workers) worker.deliver(this.#next(1));
      return;
    }
    const worker = this.#workers[step.worker] ?? expect.fail();
    switch (step.do) {
      case "deliver":
        worker.deliver(this.#next(step.count));
        return;
      case "batch":
        this.#watch(worker.deliverBatch(this.#next(step.count)));
        return;
      case "crash":
        worker.crash();
        this.#hire(step.worker);
        return;
      case "drain":
        this.#watch(worker.drain(step.drainMs));
        this.#hire(step.worker);
        return;
      case "late":
        await worker.store.deliverLate();
        return;
      case "break":
        worker.store.always(step.verbs, step.fault);
        return;
      case "mend":
        worker.store.restore();
        return;
    }
  }

  #next(count: number): readonly Trip[] {
    return this.#waiting.splice(0, count).map((message) => message.trip());
  }

  #watch(work: Promise<void>): void {
    work.catch((error: unknown) => this.#errors.push(error));
  }

  async #settleAll(): Promise<void> {
    for (const worker of [...this.#workers, ...this.#gone]) await worker.store.deliverLate();
    for (const worker of this.#workers) worker.store.restore();
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const everybody = [...this.#workers, ...this.#gone];
      if (this.#waiting.length === 0 && everybody.every(({ isDone }) => isDone)) return;
      for (const [place, trip] of this.#next(this.#waiting.length).entries()) {
        this.#workers[(round + place) % WORKERS]?.deliver([trip]);
      }
      await this.#clock.advance(500);
      this.#expectNoErrors();
    }
    expect.fail("there is no end to it: some delivery is never settled");
  }

  async #expectNothingLeft(): Promise<void> {
    const closed = Promise.all(this.#workers.map((worker) => worker.close()));
    await this.#clock.advance(1_000);
    await closed;
    expect(this.#workers.map(({ pendingTimers }) => pendingTimers)).toEqual([0, 0, 0]);
    // Whoever died has left timers behind that do nothing any more.
    await this.#clock.advance(10_000);
    expect(this.#clock.pendingTimers).toBe(0);
    this.#expectNoErrors();
  }

  #expectNoErrors(): void {
    const [error] = this.#errors;
    if (error !== undefined) throw error;
  }
}
