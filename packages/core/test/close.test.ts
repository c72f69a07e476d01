import { describe, expect, it, vi } from "vitest";
import { attend, claimAll } from "../src/adapter.js";
import { guarded, payment, Work, watch } from "./guarded.js";

describe("closing a deduplicator", () => {
  it("lets a running handler finish and record, and does not fire its signal", async () => {
    const { dedup, clock, observer } = guarded();
    const work = new Work();
    const running = dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    const closing = watch(dedup.close());
    await clock.advance(4_000);
    expect(closing.state()).toBe("pending");
    expect(work.run(0).signal().aborted).toBe(false);
    work.run(0).resolve();
    await clock.advance(0);
    expect((await running).outcome).toBe("processed");
    expect(closing.state()).toBe("resolved");
    expect(observer.names()).toEqual(["processed"]);
  });

  it("takes nothing more", async () => {
    const { dedup, observer } = guarded();
    await dedup.close();
    await expect(dedup.process(payment("p1"), vi.fn())).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CLOSED",
    });
    await expect(dedup.isDuplicate(payment("p1"))).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CLOSED",
    });
    expect(observer.names()).toEqual([]);
  });

  it("returns waiting deliveries untouched: that is not yet an outcome", async () => {
    const { dedup, clock, peer } = guarded();
    const work = new Work();
    void dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    const other = peer();
    const waiting = [1, 2].map(() => watch(attend(other.dedup, payment("p1"), work.handler)));
    await clock.advance(100);
    await other.dedup.close();
    for (const each of waiting) {
      expect(await each.promise).toMatchObject({ outcome: undefined, settlement: "return" });
    }
    expect(other.observer.names()).toEqual([]);
    work.run(0).resolve();
  });

  it("behaviour 90: releases claims that were not started, so that others run them at once", async () => {
    const { dedup, clock, peer } = guarded();
    const tickets = await claimAll(dedup, [payment("p1"), payment("p2")]);
    expect(tickets.map(({ status }) => status)).toEqual(["run", "run"]);
    await dedup.close();
    expect(await tickets[0]?.run(vi.fn())).toMatchObject({ settlement: "return" });
    expect(await peer().dedup.process(payment("p1"), ({ attempt }) => attempt)).toMatchObject({
      value: 1,
    });
    expect(await peer().dedup.process(payment("p2"), ({ attempt }) => attempt)).toMatchObject({
      value: 1,
    });
    expect(clock.nowMs()).toBe(0);
  });

  it("leaves what outlives drainMs as a crash would leave it", async () => {
    const { dedup, clock, peer } = guarded();
    const work = new Work();
    void dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    const closing = watch(dedup.close({ drainMs: 1_000 }));
    await clock.advance(1_000);
    expect(closing.state()).toBe("resolved");
    const successor = watch(peer().dedup.process(payment("p1"), () => "taken over"));
    await clock.advance(1_900);
    await clock.advance(300);
    expect(successor.state()).toBe("resolved");
  });

  it("twice is closing once, and `await using` closes", async () => {
    const { dedup } = guarded();
    await Promise.all([dedup.close(), dedup.close(), dedup[Symbol.asyncDispose]()]);
  });

  it("refuses a drain time that is none", async () => {
    const { dedup } = guarded();
    await expect(dedup.close({ drainMs: -1 })).rejects.toThrow(/drainMs .* got -1/);
  });

  it("the caller's signal ends a wait, not a handler", async () => {
    const { dedup, clock, peer } = guarded();
    const work = new Work();
    const running = dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    const caller = new AbortController();
    const waiting = watch(
      peer().dedup.process(payment("p1"), work.handler, { signal: caller.signal }),
    );
    await clock.advance(100);
    caller.abort(new Error("deploy"));
    await expect(waiting.promise).rejects.toMatchObject({
      code: "ERR_ONLYONCE_ABORTED",
      cause: expect.objectContaining({ message: "deploy" }),
    });
    work.run(0).resolve();
    expect((await running).outcome).toBe("processed");
  });
});

describe("claiming a batch ahead", () => {
  it("merges equal keys, and runs each ticket to its own verdict", async () => {
    const { dedup, observer } = guarded();
    await dedup.process(payment("old"), vi.fn());
    observer.clear();
    const tickets = await claimAll(dedup, [
      payment("a"),
      payment("old"),
      payment("a"),
      payment("b"),
    ]);
    expect(tickets.map(({ status }) => status)).toEqual(["run", "duplicate", "later", "run"]);
    const handler = vi.fn();
    for (const ticket of tickets) await ticket.run(handler);
    expect(handler).toHaveBeenCalledTimes(2);
    expect(observer.names()).toEqual(["processed", "duplicate", "duplicate", "processed"]);
  });

  it("keeps claims that wait their turn alive as a group", async () => {
    const { dedup, clock, peer } = guarded({ ackTimeoutMs: 100_000, windowMs: 200_000 });
    const tickets = await claimAll(dedup, [payment("a"), payment("b")]);
    await clock.advance(20_000);
    const elsewhere = watch(attend(peer().dedup, payment("b"), vi.fn()));
    await clock.advance(5_000);
    expect((await elsewhere.promise).outcome).toBe("busy");
    const handler = vi.fn();
    for (const ticket of tickets) expect((await ticket.run(handler)).outcome).toBe("processed");
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("an abandoned claim is free at once and counts no attempt", async () => {
    const { dedup, peer, observer } = guarded();
    const [ticket] = await claimAll(dedup, [payment("a")]);
    await ticket?.abandon();
    expect(await peer().dedup.process(payment("a"), ({ attempt }) => attempt)).toMatchObject({
      value: 1,
    });
    expect(observer.names()).toEqual([]);
  });
});
