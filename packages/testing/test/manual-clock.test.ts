import { describe, expect, it } from "vitest";
import { ManualClock } from "../src/index.js";

describe("ManualClock", () => {
  it("stands still until it is moved", async () => {
    const clock = new ManualClock(7);
    expect(clock.nowMs()).toBe(7);
    await clock.advance(1.5);
    expect(clock.nowMs()).toBe(8.5);
  });

  it("fires due timers in order of their time, and equal times in order of creation", async () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    for (const [name, delayMs] of [
      ["b", 20],
      ["a", 10],
      ["c", 20],
      ["late", 31],
    ] as const) {
      clock.after(delayMs, () => fired.push(`${name}@${clock.nowMs()}`));
    }
    await clock.advance(30);
    expect(fired).toEqual(["a@10", "b@20", "c@20"]);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1);
    expect(fired).toEqual(["a@10", "b@20", "c@20", "late@31"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("does not fire a timer that was cancelled, nor one that an earlier timer cancels", async () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    const cancel = clock.after(5, () => fired.push("cancelled before"));
    cancel();
    cancel();
    const cancelSecond = clock.after(20, () => fired.push("cancelled on the way"));
    clock.after(10, () => cancelSecond());
    clock.after(15, () => fired.push("kept"));
    await clock.advance(100);
    expect(fired).toEqual(["kept"]);
  });

  it("fires a timer that was set on the way, at its own time", async () => {
    const clock = new ManualClock();
    const seenAtMs: number[] = [];
    const tick = (): void => {
      seenAtMs.push(clock.nowMs());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    await clock.advance(35);
    expect(seenAtMs).toEqual([10, 20, 30]);
    expect(clock.nowMs()).toBe(35);
  });

  it("runs all promise jobs before it starts, between timers and at the end", async () => {
    const clock = new ManualClock();
    const steps: string[] = [];
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        clock.after(ms, resolve);
      });
    const work = async (): Promise<void> => {
      for (let jobs = 0; jobs < 50; jobs += 1) await undefined;
      await sleep(10);
      steps.push(`first@${clock.nowMs()}`);
      await sleep(10);
      steps.push(`second@${clock.nowMs()}`);
      for (let jobs = 0; jobs < 50; jobs += 1) await undefined;
      steps.push("done");
    };
    void work();
    await clock.advance(20);
    expect(steps).toEqual(["first@10", "second@20", "done"]);
  });

  it("lets overlapping moves follow one another", async () => {
    const clock = new ManualClock();
    const seenAtMs: number[] = [];
    clock.after(15, () => seenAtMs.push(clock.nowMs()));
    await Promise.all([clock.advance(10), clock.advance(10)]);
    expect(seenAtMs).toEqual([15]);
    expect(clock.nowMs()).toBe(20);
  });

  it("rejects with what a timer threw, and goes on afterwards", async () => {
    const clock = new ManualClock();
    clock.after(5, () => {
      throw new Error("from a timer");
    });
    await expect(clock.advance(10)).rejects.toThrow("from a timer");
    expect(clock.nowMs()).toBe(5);
    await clock.advance(5);
    expect(clock.nowMs()).toBe(10);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses to move by %d", (ms) => {
    expect(() => new ManualClock().advance(ms)).toThrow(RangeError);
  });

  it("takes a negative delay as none, and refuses one that is not a number", async () => {
    const clock = new ManualClock(100);
    const seenAtMs: number[] = [];
    clock.after(-50, () => seenAtMs.push(clock.nowMs()));
    await clock.advance(0);
    expect(seenAtMs).toEqual([100]);
    expect(() => clock.after(Number.NaN, () => undefined)).toThrow(RangeError);
  });
});
