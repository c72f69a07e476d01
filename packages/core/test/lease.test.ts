import { describe, expect, it } from "vitest";
import { attend } from "../src/adapter.js";
import { OnlyOnceError } from "../src/index.js";
import { guarded, payment, Work, watch } from "./guarded.js";
import { Outage } from "./outage.js";

describe("a claim in progress", () => {
  it("behaviour 39: outlives several leases while its handler runs, and nobody else runs", async () => {
    const long = { ackTimeoutMs: 100_000, leaseMs: 3_000, windowMs: 200_000 };
    const { dedup, clock, peer } = guarded(long);
    const work = new Work();
    const running = dedup.process(payment("p1"), work.handler);
    await clock.advance(20_000);
    const elsewhere = watch(attend(peer().dedup, payment("p1"), work.handler));
    await clock.advance(5_000);
    expect((await elsewhere.promise).outcome).toBe("busy");
    work.run(0).resolve();
    expect((await running).outcome).toBe("processed");
    expect(work.runs).toHaveLength(1);
  });

  it("behaviour 32: a waiter in another process is dropped when the owner completes", async () => {
    const { dedup, clock, peer } = guarded();
    const work = new Work();
    const running = dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    const other = peer();
    const waiting = other.dedup.process(payment("p1"), work.handler);
    await clock.advance(1_000);
    work.run(0).resolve();
    await clock.advance(300);
    expect((await running).outcome).toBe("processed");
    expect((await waiting).outcome).toBe("duplicate");
    expect(other.observer.names()).toEqual(["duplicate"]);
    expect(work.runs).toHaveLength(1);
  });

  it("behaviour 33: waiters run at once when the owner fails, here and in another process", async () => {
    const { dedup, clock, peer } = guarded();
    const work = new Work();
    const running = watch(dedup.process(payment("p1"), work.handler));
    await clock.advance(0);
    const here = dedup.process(payment("p1"), work.handler);
    const there = peer().dedup.process(payment("p1"), work.handler);
    await clock.advance(1_000);
    work.run(0).reject(new Error("declined"));
    await clock.advance(251);
    expect(running.state()).toBe("rejected");
    work.run(1).resolve();
    await clock.advance(251);
    const outcomes = [(await here).outcome, (await there).outcome].toSorted();
    expect(outcomes).toEqual(["duplicate", "processed"]);
    expect(work.runs).toHaveLength(2);
  });

  it("behaviour 34: beyond the wait the delivery is busy, with the time after which to try again", async () => {
    const { dedup, clock, peer } = guarded();
    const work = new Work();
    const running = dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    const other = peer();
    const waiting = watch(other.dedup.process(payment("p1"), work.handler));
    await clock.advance(1_999);
    expect(waiting.state()).toBe("pending");
    await clock.advance(1);
    const error: unknown = await waiting.promise.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ERR_ONLYONCE_BUSY", retriable: true });
    expect(OnlyOnceError.is(error) && error.retryAfterMs).toBeGreaterThan(0);
    expect(other.observer.names()).toEqual(["busy"]);
    work.run(0).resolve();
    await running;
  });

  it("behaviour 35: after a crash many contenders make one takeover, which is counted from its second crash on", async () => {
    const { clock, peer } = guarded({ busyWaitMs: 4_000 });
    const crashed = peer();
    const work = new Work();
    void crashed.dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    await crashed.dedup.close({ drainMs: 0 });
    const contenders = Array.from({ length: 10 }, () =>
      watch(peer().dedup.process(payment("p1"), work.handler)),
    );
    await clock.advance(2_500);
    expect(work.runs).toHaveLength(1);
    await clock.advance(600);
    expect(work.runs).toHaveLength(2);
    work.run(1).resolve();
    await clock.advance(300);
    expect(contenders.map(({ state }) => state())).toEqual(Array(10).fill("resolved"));
    expect(work.runs).toHaveLength(2);
  });

  it("a message that ends its process is counted from the second time on, and is not run again at the limit", async () => {
    const { clock, peer, dedup, observer } = guarded({ maxAttempts: 3, busyWaitMs: 4_000 });
    const work = new Work();
    const attempts: number[] = [];
    for (let crash = 0; crash < 4; crash += 1) {
      const victim = peer();
      void victim.dedup.process(payment("p1"), (context) => {
        attempts.push(context.attempt);
        return work.handler(context);
      });
      await clock.advance(3_500);
      await victim.dedup.close({ drainMs: 0 });
    }
    expect(attempts).toEqual([1, 1, 2, 3]);
    const last = watch(dedup.process(payment("p1"), work.handler));
    await clock.advance(3_500);
    await expect(last.promise).rejects.toMatchObject({ code: "ERR_ONLYONCE_POISON" });
    expect(observer.names()).toEqual(["failed:poison"]);
    expect(work.runs).toHaveLength(4);
  });
});

/** One process whose way to the store broke while its handler runs, until its lease lapsed. */
async function cutOff(policy = {}): Promise<{
  readonly one: ReturnType<typeof guarded>;
  readonly outage: Outage;
  readonly work: Work;
  readonly running: ReturnType<typeof watch<{ outcome: string | undefined }>>;
}> {
  const outage = new Outage();
  const one = guarded(policy, outage.wrap);
  const work = new Work();
  const running = watch<{ outcome: string | undefined }>(
    one.dedup.process(payment("p1"), work.handler),
  );
  await one.clock.advance(0);
  outage.break("down");
  return { one, outage, work, running };
}

describe("behaviour 40: a handler whose lease can no longer be proved", () => {
  it("is aborted before the lease lapses", async () => {
    const { one, work, running } = await cutOff();
    const signal = work.run(0).signal();
    await one.clock.advance(2_400);
    expect(signal.aborted).toBe(false);
    await one.clock.advance(600);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: "ERR_ONLYONCE_ABORTED" });
    expect(one.observer.incidents.map(({ kind }) => kind)).toEqual(["lease_lost"]);
    expect(running.state()).toBe("pending");
  });

  it("is unfinished when it stops with an error: claimed again in place, and reported", async () => {
    const { one, outage, work, running } = await cutOff();
    await one.clock.advance(3_000);
    outage.mend();
    work.run(0).reject(new Error("aborted"));
    await one.clock.advance(10);
    work.run(1).resolve();
    expect((await running.promise).outcome).toBe("claim_lost");
    expect(one.observer.names()).toEqual(["claim_lost"]);
  });

  it("is unfinished when it resolves after it read its signal: `if (aborted) return` loses nothing", async () => {
    const { one, outage, work, running } = await cutOff();
    work.run(0).signal();
    await one.clock.advance(3_000);
    outage.mend();
    work.run(0).resolve();
    await one.clock.advance(10);
    expect(running.state()).toBe("pending");
    work.run(1).resolve();
    expect((await running.promise).outcome).toBe("claim_lost");
  });

  it("is finished when it never read its signal: recorded, not run again", async () => {
    const { one, outage, work, running } = await cutOff();
    await one.clock.advance(3_500);
    outage.mend();
    work.run(0).resolve();
    await one.clock.advance(10);
    expect((await running.promise).outcome).toBe("processed");
    expect(one.observer.names()).toEqual(["processed:late"]);
    expect(work.runs).toHaveLength(1);
  });

  it("meets its successor's completion, settles, and ends as claim_lost", async () => {
    const { one, outage, work, running } = await cutOff();
    work.run(0).signal();
    await one.clock.advance(3_100);
    const successor = one.peer();
    expect((await successor.dedup.process(payment("p1"), () => "done")).outcome).toBe("processed");
    outage.mend();
    work.run(0).reject(new Error("aborted"));
    await one.clock.advance(10);
    expect((await running.promise).outcome).toBe("claim_lost");
    expect(work.runs).toHaveLength(1);
  });

  it("and is returned at shutdown has ended as claim_lost: its effect may have happened", async () => {
    const outage = new Outage();
    const one = guarded({}, outage.wrap);
    const work = new Work();
    const running = watch(attend(one.dedup, payment("p1"), work.handler));
    await one.clock.advance(0);
    outage.break("down");
    work.run(0).signal();
    await one.clock.advance(3_100);
    const closing = one.dedup.close();
    work.run(0).reject(new Error("aborted"));
    await one.clock.advance(2_500);
    await closing;
    expect(await running.promise).toMatchObject({ outcome: "claim_lost", settlement: "return" });
    expect(one.observer.names()).toEqual(["claim_lost"]);
  });

  it("while its successor still runs is handed back, not settled", async () => {
    const outage = new Outage();
    const one = guarded({}, outage.wrap);
    const work = new Work();
    const running = watch(attend(one.dedup, payment("p1"), work.handler));
    await one.clock.advance(0);
    outage.break("down");
    work.run(0).signal();
    await one.clock.advance(3_100);
    const successor = one.peer();
    const second = successor.dedup.process(payment("p1"), work.handler);
    await one.clock.advance(0);
    outage.mend();
    work.run(0).reject(new Error("aborted"));
    await one.clock.advance(2_500);
    expect(await running.promise).toMatchObject({ outcome: "claim_lost", settlement: "retry" });
    work.run(1).resolve();
    expect((await second).outcome).toBe("processed");
  });

  it("behaviours 36 and 37: a late owner never overwrites its successor's completion", async () => {
    const { one, outage, work, running } = await cutOff();
    await one.clock.advance(3_100);
    await one.peer().dedup.process(payment("p1", { coordinates: "successor" }), () => "done");
    outage.mend();
    work.run(0).resolve();
    await one.clock.advance(10);
    expect((await running.promise).outcome).toBe("claim_lost");
    expect((await one.dedup.inspect(payment("p1")))?.origin.coordinates).toBe("successor");
  });
});

describe("the longest processing time", () => {
  it("aborts the signal, and a handler that stops has failed: it comes again, counted", async () => {
    const { dedup, clock, observer } = guarded();
    const work = new Work();
    const running = watch(attend(dedup, payment("p1"), work.handler));
    await clock.advance(0);
    const signal = work.run(0).signal();
    await clock.advance(5_500);
    expect(signal.aborted).toBe(true);
    work.run(0).resolve();
    expect(await running.promise).toMatchObject({
      outcome: "failed",
      settlement: "retry",
      attempt: 1,
    });
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["time_up"]);
    const second = await dedup.process(payment("p1"), ({ attempt }) => attempt);
    expect(second).toMatchObject({ value: 2 });
  });

  it("ends renewal, so that a handler that hangs does not hold its key for ever", async () => {
    const { dedup, clock, peer } = guarded();
    const work = new Work();
    void dedup.process(payment("p1"), work.handler);
    await clock.advance(5_500 + 3_000);
    expect((await peer().dedup.process(payment("p1"), () => "elsewhere")).outcome).toBe(
      "processed",
    );
  });

  it("makes a message that always exceeds it poison in the end", async () => {
    const { dedup, clock, observer } = guarded({ maxAttempts: 2 });
    for (let round = 0; round < 2; round += 1) {
      const work = new Work();
      const running = watch(
        attend(dedup, payment("p1"), work.handler, { deadLetter: () => Promise.resolve() }),
      );
      await clock.advance(0);
      work.run(0).signal();
      await clock.advance(5_500);
      work.run(0).reject(new Error("stopped"));
      await running.promise;
    }
    expect(observer.names()).toEqual(["failed", "failed:poison"]);
  });
});

describe("behaviour 44: a process that stood still", () => {
  it("does not start a handler whose claim has grown stale, but claims again", async () => {
    const outage = new Outage();
    const one = guarded({ busyWaitMs: 4_000 }, outage.wrap);
    const frozen = new Work();
    // The claim is executed at once, but its answer is read only after the lease.
    let answer: (() => void) | undefined;
    const slow = one.peer((store) => ({
      ...outage.wrap(store),
      claim: async (claims) => {
        const replies = await store.claim(claims);
        if (answer === undefined) {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
        }
        return replies;
      },
    }));
    const running = watch(slow.dedup.process(payment("p1"), frozen.handler));
    await one.clock.advance(3_100);
    expect((await one.dedup.process(payment("p1"), () => "successor")).outcome).toBe("processed");
    answer?.();
    await one.clock.advance(10);
    expect((await running.promise).outcome).toBe("duplicate");
    expect(frozen.runs).toHaveLength(0);
  });
});
