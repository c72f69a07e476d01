import { ManualClock } from "@onlyonce/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { Pauses } from "../src/pauses.js";
import { StubBatch } from "./stub-batch.js";

let clock: ManualClock;
let pauses: Pauses;

beforeEach(() => {
  clock = new ManualClock();
  pauses = new Pauses(clock);
});

function rest(batch: StubBatch, delayMs: number): void {
  pauses.rest("payments/0", () => batch.pause(), delayMs);
}

describe("a resting partition", () => {
  it("is paused at once and comes back after its rest", async () => {
    const batch = new StubBatch([]);
    rest(batch, 1_000);
    await clock.advance(999);
    expect(batch.isPaused).toBe(true);
    await clock.advance(1);
    expect(batch.isPaused).toBe(false);
    expect(pauses.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("that is paused again has one timer, and rests as long as it was told last", async () => {
    const batch = new StubBatch([]);
    rest(batch, 1_000);
    await clock.advance(500);
    rest(batch, 1_000);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(999);
    expect(batch.isPaused).toBe(true);
    await clock.advance(1);
    expect(batch.isPaused).toBe(false);
  });

  it("of another consumer with the same run config comes back early instead of never", async () => {
    const mine = new StubBatch([]);
    const theirs = new StubBatch([]);
    rest(theirs, 1_000);
    rest(mine, 1_000);
    expect(theirs.isPaused).toBe(false);
    expect(mine.isPaused).toBe(true);
  });

  it("does nothing when its consumer is closed by then", async () => {
    pauses.rest(
      "payments/0",
      () => () => {
        throw new Error("Resume can only be called while connected.");
      },
      1_000,
    );
    await clock.advance(1_000);
    expect(pauses.size).toBe(0);
  });

  it("is kept apart from other partitions", async () => {
    const first = new StubBatch([]);
    const second = new StubBatch([]);
    pauses.rest("payments/0", () => first.pause(), 1_000);
    pauses.rest("payments/1", () => second.pause(), 2_000);
    expect(pauses.size).toBe(2);
    await clock.advance(1_000);
    expect([first.isPaused, second.isPaused]).toEqual([false, true]);
  });
});
