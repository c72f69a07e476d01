import { expect } from "vitest";
import type { Delivery, OutcomeEvent } from "../src/index.js";
import type { MessagePlan, RunPlan } from "./fault-scenario.js";

/** One delivery in the hands of a worker, from start to verdict. */
export interface Trip {
  readonly message: SimulatedMessage;
  readonly delivery: Delivery;
  /** Effects of the runs of this trip. */
  effects: number;
  /** Its worker died before the verdict. */
  isCut: boolean;
  readonly outcomes: OutcomeEvent[];
  /** The signal of its run was aborted, whether it looked or not. */
  isAborted: boolean;
  isRunning: boolean;
}

/** A message, and all that came of it. */
export class SimulatedMessage {
  readonly id: string;
  readonly trips: Trip[] = [];
  letters = 0;
  skips = 0;
  /** Failures, and whatever else may have counted as an attempt, since the last letter was settled. */
  strikes = 0;
  readonly #runs: RunPlan[];
  readonly #usual: RunPlan;

  constructor(id: string, plan: MessagePlan) {
    this.id = id;
    this.#runs = [...plan.runs];
    this.#usual = plan.usual;
  }

  get effects(): number {
    return this.trips.reduce((sum, { effects }) => sum + effects, 0);
  }

  trip(): Trip {
    const delivery = { topic: "payments", id: this.id, payload: { id: this.id } };
    const trip: Trip = {
      message: this,
      delivery,
      effects: 0,
      isCut: false,
      outcomes: [],
      isAborted: false,
      isRunning: false,
    };
    this.trips.push(trip);
    return trip;
  }

  nextRun(): RunPlan {
    return this.#runs.shift() ?? this.#usual;
  }

  /** Nobody may be told that the message is done with before it is. */
  expectKept(what: string): void {
    const kept = this.effects + this.letters + this.skips;
    expect(kept, `${this.id} was ${what}, but nothing ever came of it`).toBeGreaterThan(0);
  }

  /** Of all effects at most one may have gone unreported: survivors report every other. */
  expectDoublesReported(): void {
    const silent = this.trips.filter((trip) => !trip.isCut && !isReported(trip));
    const effects = silent.reduce((sum, trip) => sum + trip.effects, 0);
    expect(effects, `${this.id} took effect more than once, unreported`).toBeLessThanOrEqual(1);
  }
}

/** Whether a survivor said that this delivery may have doubled an effect. */
function isReported({ outcomes }: Trip): boolean {
  const loud = ["late", "vanished", "unrecorded"];
  return outcomes.some(
    ({ outcome, detail = "" }) =>
      outcome === "claim_lost" ||
      outcome === "unprotected" ||
      (outcome === "processed" && loud.includes(detail)),
  );
}
