import { describe, expect, it, vi } from "vitest";
import { attend } from "../src/adapter.js";
import { guarded, payment, Work, watch } from "./guarded.js";
import { Outage } from "./outage.js";

describe("a store that is down when a delivery is claimed", () => {
  it("behaviour 54: fails closed: not run, handed back, not counted as an attempt, not dead-lettered", async () => {
    const outage = new Outage();
    const { dedup, clock, observer } = guarded({ maxAttempts: 1 }, outage.wrap);
    outage.break("down");
    const handler = vi.fn();
    const deadLetter = vi.fn(() => Promise.resolve());
    for (let delivery = 0; delivery < 5; delivery += 1) {
      const held = watch(attend(dedup, payment("p1"), handler, { deadLetter }));
      await clock.advance(2_000);
      expect(await held.promise).toMatchObject({
        outcome: "store_error",
        settlement: "retry",
        reason: "store",
      });
    }
    outage.mend();
    const attempt = await attend(dedup, payment("p1"), (context) => context.attempt, {
      deadLetter,
    });
    expect(attempt).toMatchObject({ outcome: "processed", value: 1 });
    expect(handler).not.toHaveBeenCalled();
    expect(deadLetter).not.toHaveBeenCalled();
    expect(observer.count("store_error")).toBe(5);
  });

  it("rejects process with a retriable error that carries the cause", async () => {
    const outage = new Outage();
    const { dedup, clock } = guarded({}, outage.wrap);
    outage.break("down");
    const held = watch(dedup.process(payment("p1"), vi.fn()));
    await clock.advance(2_000);
    await expect(held.promise).rejects.toMatchObject({
      code: "ERR_ONLYONCE_STORE",
      retriable: true,
      cause: expect.objectContaining({ message: expect.stringContaining("ECONNREFUSED") }),
    });
  });

  it("is waited for in place while there is time", async () => {
    const outage = new Outage();
    const { dedup, clock } = guarded({}, outage.wrap);
    outage.break("down");
    const held = watch(dedup.process(payment("p1"), () => "charged"));
    await clock.advance(1_000);
    expect(held.state()).toBe("pending");
    outage.mend();
    await clock.advance(1_000);
    expect(await held.promise).toEqual({ outcome: "processed", value: "charged" });
  });

  it("behaviour 55: fails open where the policy says so: runs once and says that it was unprotected", async () => {
    const outage = new Outage();
    const { dedup, observer } = guarded({ onStoreDown: "process" }, outage.wrap);
    outage.break("down");
    const handler = vi.fn(() => "shown");
    expect(await dedup.process(payment("i1"), handler)).toEqual({
      outcome: "unprotected",
      detail: "store_down",
      value: "shown",
    });
    expect(handler).toHaveBeenCalledTimes(1);
    expect(observer.names()).toEqual(["unprotected:store_down"]);
  });

  it("an unprotected run is remembered when the store is back in time, even under an unseen claim", async () => {
    const outage = new Outage();
    const { dedup } = guarded({ onStoreDown: "process" }, outage.wrap);
    outage.break("reply_lost", "claim");
    await dedup.process(payment("i1"), () => outage.mend());
    const handler = vi.fn();
    expect((await dedup.process(payment("i1"), handler)).outcome).toBe("duplicate");
    expect(handler).not.toHaveBeenCalled();
  });

  it("an unprotected run that fails gives its unseen claim back", async () => {
    const outage = new Outage();
    const { dedup, clock } = guarded({ onStoreDown: "process" }, outage.wrap);
    outage.break("reply_lost", "claim");
    const failing = dedup.process(payment("i1"), () => {
      outage.mend();
      throw new Error("declined");
    });
    await expect(failing).rejects.toThrow("declined");
    await clock.advance(0);
    expect(await dedup.process(payment("i1"), ({ attempt }) => attempt)).toMatchObject({
      value: 1,
    });
  });

  it("an unprotected run that doubled somebody else's is reported", async () => {
    const outage = new Outage();
    const { dedup, observer, peer } = guarded({ onStoreDown: "process" }, outage.wrap);
    outage.break("down");
    await dedup.process(payment("i1"), async () => {
      await peer().dedup.process(payment("i1"), () => "elsewhere");
      outage.mend();
    });
    expect(observer.names()).toEqual(["claim_lost"]);
  });
});

it("a store that was closed before the deduplicator fails closed, whatever the policy", async () => {
  const { dedup, store } = guarded({ onStoreDown: "process" });
  await store.close();
  const handler = vi.fn();
  const closed = dedup.process(payment("p1"), handler);
  await expect(closed).rejects.toMatchObject({ code: "ERR_ONLYONCE_CLOSED" });
  expect(handler).not.toHaveBeenCalled();
});

describe("a lost reply", () => {
  it("behaviour 45: to a claim: the retry keeps its token, the owner runs, attempt 1", async () => {
    const outage = new Outage();
    const { dedup, clock, observer } = guarded({}, outage.wrap);
    outage.break("reply_lost", "claim");
    const held = watch(dedup.process(payment("p1"), ({ attempt }) => attempt));
    await clock.advance(0);
    outage.mend();
    await clock.advance(50);
    expect(await held.promise).toEqual({ outcome: "processed", value: 1 });
    expect(outage.count("claim")).toBe(2);
    expect(observer.names()).toEqual(["processed"]);
  });

  it("to a claim that is given up: its claim is released by token, so that the next delivery runs at once", async () => {
    const outage = new Outage();
    const { dedup, clock } = guarded({}, outage.wrap);
    outage.break("reply_lost", "claim");
    const held = watch(dedup.process(payment("p1"), vi.fn()));
    await clock.advance(2_000);
    await expect(held.promise).rejects.toMatchObject({ code: "ERR_ONLYONCE_STORE" });
    outage.mend();
    expect(await dedup.process(payment("p1"), ({ attempt }) => attempt)).toMatchObject({
      value: 1,
    });
  });

  it("to a completion: it is sent again and gets its first answer", async () => {
    const outage = new Outage();
    const { dedup, clock, observer } = guarded({}, outage.wrap);
    outage.break("reply_lost", "complete");
    const held = watch(dedup.process(payment("p1"), () => "charged"));
    await clock.advance(0);
    expect(held.state()).toBe("pending");
    outage.mend();
    await clock.advance(50);
    expect((await held.promise).outcome).toBe("processed");
    expect(observer.names()).toEqual(["processed"]);
    expect(outage.count("complete")).toBe(2);
  });

  it("to a completion, while a renewal that came after it is told that the claim is gone: no false alarm", async () => {
    const outage = new Outage();
    const { dedup, clock, observer } = guarded({}, outage.wrap);
    outage.break("reply_lost", "complete");
    const held = watch(dedup.process(payment("p1"), () => "charged"));
    await clock.advance(1_600);
    expect(outage.count("renew")).toBeGreaterThan(0);
    outage.mend();
    await clock.advance(1_000);
    expect((await held.promise).outcome).toBe("processed");
    expect(observer.names()).toEqual(["processed"]);
  });

  it("behaviour 46: to a release: its copy never frees a successor's claim", async () => {
    const outage = new Outage();
    const { dedup, clock, peer } = guarded({}, outage.wrap);
    outage.break("reply_lost", "release");
    const failing = watch(
      dedup.process(payment("p1"), () => {
        throw new Error("declined");
      }),
    );
    await clock.advance(0);
    const work = new Work();
    const successor = peer();
    const second = successor.dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    expect(work.runs).toHaveLength(1);
    outage.mend();
    await clock.advance(50);
    await expect(failing.promise).rejects.toThrow("declined");
    const contender = watch(peer().dedup.process(payment("p1"), work.handler));
    await clock.advance(500);
    expect(contender.state()).toBe("pending");
    work.run(0).resolve();
    await clock.advance(300);
    expect((await second).outcome).toBe("processed");
    expect((await contender.promise).outcome).toBe("duplicate");
    expect(work.runs).toHaveLength(1);
  });

  it("to a start mark after a takeover: the run is counted once", async () => {
    const outage = new Outage();
    const { clock, peer } = guarded({ busyWaitMs: 4_000 });
    const victim = peer();
    void victim.dedup.process(payment("p1"), new Work().handler);
    await clock.advance(0);
    await victim.dedup.close({ drainMs: 0 });
    const one = peer(outage.wrap);
    outage.break("reply_lost", "start");
    const held = watch(
      one.dedup.process(payment("p1"), ({ attempt }) => {
        expect(attempt).toBe(1);
        throw new Error("declined");
      }),
    );
    await clock.advance(3_100);
    outage.mend();
    await clock.advance(100);
    await expect(held.promise).rejects.toThrow("declined");
    expect(await one.dedup.inspect(payment("p1"))).toMatchObject({ state: "failed", attempt: 1 });
  });
});

describe("a store that is down when the handler has finished", () => {
  it("behaviour 26: the message is acked all the same, and reported as unrecorded", async () => {
    const outage = new Outage();
    const { dedup, clock, observer } = guarded({}, outage.wrap);
    const held = watch(attend(dedup, payment("p1"), () => outage.break("down")));
    await clock.advance(6_000);
    expect(await held.promise).toMatchObject({
      outcome: "processed",
      detail: "unrecorded",
      settlement: "ack",
    });
    expect(observer.names()).toEqual(["processed:unrecorded"]);
    expect(outage.count("complete")).toBeGreaterThan(2);
  });

  it("is retried while the lease lives", async () => {
    const outage = new Outage();
    const { dedup, clock, observer } = guarded({}, outage.wrap);
    const held = watch(attend(dedup, payment("p1"), () => outage.break("down")));
    await clock.advance(1_500);
    expect(held.state()).toBe("pending");
    outage.mend();
    await clock.advance(1_000);
    expect((await held.promise).outcome).toBe("processed");
    expect(observer.names()).toEqual(["processed"]);
  });

  it("behaviour 23: a failing release never hides the handler's error, and the lease lapses", async () => {
    const outage = new Outage();
    const { dedup, clock, peer } = guarded({}, outage.wrap);
    const declined = new Error("declined");
    const held = watch(
      dedup.process(payment("p1"), () => {
        outage.break("down");
        throw declined;
      }),
    );
    await clock.advance(6_000);
    await expect(held.promise).rejects.toBe(declined);
    expect((await peer().dedup.process(payment("p1"), () => "later")).outcome).toBe("processed");
  });

  it("a poison message whose reset is not answered is handed back unsettled", async () => {
    const outage = new Outage();
    const { dedup, clock } = guarded({ maxAttempts: 1 }, outage.wrap);
    const deadLetter = (): Promise<void> => {
      outage.break("down", "release");
      return Promise.resolve();
    };
    const failing = (): never => {
      throw new Error("declined");
    };
    const held = watch(attend(dedup, payment("p1"), failing, { deadLetter }));
    await clock.advance(6_000);
    expect(await held.promise).toMatchObject({
      outcome: "failed",
      settlement: "retry",
      reason: "poison",
    });
  });
});

describe("a store that loses records", () => {
  it("renewal restores a lost claim and reports it; nobody else runs", async () => {
    const one = guarded();
    const work = new Work();
    const running = one.dedup.process(payment("p1"), work.handler);
    await one.clock.advance(0);
    // A second store stands for the restarted server: the deduplicator's way now leads there.
    let target = one.store;
    const moved = one.peer((store) => ({
      ...new Outage().wrap(store),
      claim: (claims) => target.claim(claims),
      renew: (held) => target.renew(held),
      complete: (all) => target.complete(all),
    }));
    const second = moved.dedup.process(payment("p2"), work.handler);
    await one.clock.advance(0);
    target = guarded().store;
    await one.clock.advance(1_500);
    expect(moved.observer.incidents.map(({ kind }) => kind)).toEqual(["claim_restored"]);
    work.run(0).resolve();
    work.run(1).resolve();
    await Promise.all([running, second]);
    expect(moved.observer.names()).toEqual(["processed"]);
  });

  it("behaviour 58: a completion that finds no record is recorded and reported as vanished", async () => {
    const one = guarded();
    let target = one.store;
    const moved = one.peer((store) => ({
      ...new Outage().wrap(store),
      claim: (claims) => target.claim(claims),
      complete: (all) => target.complete(all),
    }));
    await moved.dedup.process(payment("p1"), () => {
      target = guarded().store;
    });
    expect(moved.observer.names()).toEqual(["processed:vanished"]);
    expect((await moved.dedup.process(payment("p1"), vi.fn())).outcome).toBe("duplicate");
  });
});

describe("behaviour 61: a record of a newer version that can't be read", () => {
  it("fails closed at once, even where the policy is to process without a store", async () => {
    const unreadable = {
      status: "error",
      error: new Error("newer version"),
      unreadable: true,
    } as const;
    const one = guarded({ onStoreDown: "process" });
    const older = one.peer((store) => ({
      ...new Outage().wrap(store),
      claim: () => Promise.resolve([unreadable]),
    }));
    const handler = vi.fn();
    const verdict = await attend(older.dedup, payment("p1"), handler);
    expect(verdict).toMatchObject({ outcome: "store_error", settlement: "retry", reason: "store" });
    expect(handler).not.toHaveBeenCalled();
  });

  it("when the handler has finished is not asked again and again", async () => {
    const one = guarded();
    const calls = vi.fn(() =>
      Promise.resolve([{ status: "error", error: new Error("newer"), unreadable: true } as const]),
    );
    const older = one.peer((store) => ({ ...new Outage().wrap(store), complete: calls }));
    const verdict = await attend(older.dedup, payment("p1"), () => "charged");
    expect(verdict).toMatchObject({
      outcome: "processed",
      detail: "unrecorded",
      settlement: "ack",
    });
    expect(calls).toHaveBeenCalledTimes(1);
  });
});
