import { FaultyStore } from "@onlyonce/testing";
import { describe, expect, it, vi } from "vitest";
import { claimAll } from "../src/adapter.js";
import type { Deduplicator, Store } from "../src/index.js";
import { createDeduplicatorWith } from "../src/internal.js";
import { type Guarded, guarded, payment, Work, watch } from "./guarded.js";

const POLICY = { ackTimeoutMs: 10_000, leaseMs: 3_000, busyWaitMs: 2_000, windowMs: 60_000 };

interface Ahead extends Guarded {
  /** Claims ahead through a way to the store that a test can disturb. */
  readonly dedup: Deduplicator;
  readonly faults: FaultyStore;
}

function ahead(wrap: (store: Store) => Store = (store) => store): Ahead {
  const scene = guarded();
  const faults = new FaultyStore(wrap(scene.store), scene.clock);
  const options = {
    store: faults,
    scope: "billing",
    defaults: POLICY,
    observers: [scene.observer],
  };
  return { ...scene, faults, dedup: createDeduplicatorWith(options, scene.clock) };
}

const ids = ["a", "b", "c"];
const payments = ids.map((id) => payment(id));

describe("claims taken ahead", () => {
  it("travel in one call of the store", async () => {
    const { dedup, faults } = ahead();
    const tickets = await claimAll(dedup, payments);
    expect(faults.calls.map(({ verb, keys }) => [verb, keys.length])).toEqual([["claim", 3]]);
    expect(tickets.map(({ status }) => status)).toEqual(["run", "run", "run"]);
  });

  it("do not wait for a key that is busy: it is claimed again, and waited for, when it runs", async () => {
    const { dedup, clock, peer } = ahead();
    const work = new Work();
    void peer().dedup.process(payment("b"), work.handler);
    await clock.advance(0);
    const tickets = await claimAll(dedup, payments);
    expect(clock.nowMs()).toBe(0);
    expect(tickets.map(({ status }) => status)).toEqual(["run", "later", "run"]);
    const handler = vi.fn();
    await tickets[0]?.run(handler);
    const second = watch(tickets[1]?.run(handler) ?? Promise.reject(new Error("no ticket")));
    await clock.advance(1_000);
    expect(second.state()).toBe("pending");
    work.run(0).resolve();
    await clock.advance(250);
    expect((await second.promise).outcome).toBe("duplicate");
    expect((await tickets[2]?.run(handler))?.outcome).toBe("processed");
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("that are not answered are given up and claimed again when they run", async () => {
    const { dedup, clock, faults } = ahead();
    faults.next("claim", { kind: "fail", when: "after" });
    const tickets = await claimAll(dedup, payments);
    expect(tickets.map(({ status }) => status)).toEqual(["later", "later", "later"]);
    const handler = vi.fn();
    for (const ticket of tickets) {
      const running = watch(ticket.run(handler));
      await clock.advance(50);
      expect((await running.promise).outcome).toBe("processed");
    }
    expect(handler).toHaveBeenCalledTimes(3);
  });

  it("one of which fails leave its neighbours alone", async () => {
    let isBroken = true;
    const { dedup } = ahead((store) => ({
      ...bound(store),
      claim: async (claims) =>
        (await store.claim(claims)).map((reply, index) =>
          isBroken && index === 1
            ? { status: "error", error: new Error("one node is down") }
            : reply,
        ),
    }));
    const tickets = await claimAll(dedup, payments);
    isBroken = false;
    expect(tickets.map(({ status }) => status)).toEqual(["run", "later", "run"]);
    for (const ticket of tickets) {
      expect((await ticket.run(({ attempt }) => attempt)).value).toBe(1);
    }
  });

  it("are checked again before they run: what somebody else processed meanwhile is a duplicate", async () => {
    const { dedup, clock, faults, peer } = ahead();
    const tickets = await claimAll(dedup, payments);
    faults.always(["renew"], { kind: "hold" });
    await clock.advance(3_001);
    await peer().dedup.process(payment("b"), () => undefined);
    faults.restore();
    const handler = vi.fn();
    const outcomes: unknown[] = [];
    for (const ticket of tickets) outcomes.push((await ticket.run(handler)).outcome);
    expect(outcomes).toEqual(["processed", "duplicate", "processed"]);
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("may wait for longer than a message may take, and count no attempt", async () => {
    const { dedup, clock } = ahead();
    const tickets = await claimAll(dedup, payments);
    await clock.advance(60_000);
    for (const ticket of tickets) {
      expect(await ticket.run(({ attempt }) => attempt)).toMatchObject({
        outcome: "processed",
        value: 1,
      });
    }
  });

  it("that nobody wants any more are released, although the store does not answer at first", async () => {
    const { dedup, clock, faults, peer } = ahead();
    const [ticket] = await claimAll(dedup, [payment("a")]);
    faults.next("release", { kind: "fail", when: "before" }, { kind: "refuse" });
    await ticket?.abandon();
    await clock.advance(200);
    expect(faults.count("release")).toBe(3);
    expect(await peer().dedup.process(payment("a"), ({ attempt }) => attempt)).toMatchObject({
      value: 1,
    });
  });

  it("whose answer comes after the deduplicator began to close are given back", async () => {
    const { dedup, clock, faults, peer } = ahead();
    faults.next("claim", { kind: "delay", when: "after", ms: 500 });
    const claiming = claimAll(dedup, [payment("a")]);
    await clock.advance(0);
    const closing = dedup.close();
    await clock.advance(500);
    const [ticket] = await claiming;
    await closing;
    const handler = vi.fn();
    expect((await ticket?.run(handler))?.settlement).toBe("return");
    expect(handler).not.toHaveBeenCalled();
    expect(await peer().dedup.process(payment("a"), ({ attempt }) => attempt)).toMatchObject({
      value: 1,
    });
  });

  it("are recorded under the span that does the work", async () => {
    const scene = guarded();
    let span: string | undefined;
    const dedup = createDeduplicatorWith(
      {
        store: scene.store,
        scope: "billing",
        defaults: POLICY,
        observers: [
          {
            async around(_, next) {
              span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
              return next().finally(() => {
                span = undefined;
              });
            },
            traceparent: () => span,
          },
        ],
      },
      scene.clock,
    );
    const [ticket] = await claimAll(dedup, [payment("a")]);
    await ticket?.run(() => undefined);
    const record = await dedup.inspect(payment("a"));
    expect(record?.origin.traceparent).toMatch(/^00-4bf9/);
  });
});

describe("a ticket that is started", () => {
  it("says that it is handled once its completion was sent, and gives its verdict once that is answered", async () => {
    const { dedup, clock, faults } = ahead();
    const [ticket] = await claimAll(dedup, [payment("a")]);
    faults.next("complete", { kind: "delay", when: "before", ms: 500 });
    const work = new Work();
    const run = ticket?.start(work.handler);
    const handled = watch(run?.handled ?? Promise.resolve(false));
    const verdict = watch(run?.verdict ?? Promise.reject(new Error("no ticket")));
    await clock.advance(100);
    expect(handled.state()).toBe("pending");
    expect(faults.count("complete")).toBe(0);
    work.run(0).resolve();
    await clock.advance(0);
    expect(faults.count("complete")).toBe(1);
    expect(handled.state()).toBe("resolved");
    expect(await handled.promise).toBe(true);
    expect(verdict.state()).toBe("pending");
    await clock.advance(500);
    expect((await verdict.promise).outcome).toBe("processed");
  });

  it("was handled even if its completion is never answered: the work is done", async () => {
    const { dedup, clock, faults } = ahead();
    const [ticket] = await claimAll(dedup, [payment("a")]);
    faults.always(["complete"], { kind: "fail", when: "before" });
    const run = ticket?.start(() => undefined);
    expect(await run?.handled).toBe(true);
    const verdict = watch(run?.verdict ?? Promise.reject(new Error("no ticket")));
    await clock.advance(10_000);
    expect(await verdict.promise).toMatchObject({
      outcome: "processed",
      detail: "unrecorded",
      settlement: "ack",
    });
  });

  it("is not handled when its handler rejects, and is when it is a duplicate", async () => {
    const { dedup } = ahead();
    const [failing] = await claimAll(dedup, [payment("a")]);
    const failed = failing?.start(() => Promise.reject(new Error("card declined")));
    expect(await failed?.handled).toBe(false);
    expect((await failed?.verdict)?.outcome).toBe("failed");
    await dedup.process(payment("b"), () => undefined);
    const [copy] = await claimAll(dedup, [payment("b")]);
    expect(copy?.status).toBe("duplicate");
    expect(await copy?.start(vi.fn()).handled).toBe(true);
  });
});

/** The store's verbs as own properties, so that one can be replaced. */
function bound(store: Store): Store {
  return {
    claim: (claims) => store.claim(claims),
    remember: (claims) => store.remember(claims),
    start: (held) => store.start(held),
    renew: (held) => store.renew(held),
    complete: (completions) => store.complete(completions),
    release: (releases) => store.release(releases),
    inspect: (key) => store.inspect(key),
    forget: (key, seen) => store.forget(key, seen),
    check: () => store.check(),
    onFinding: (listener) => store.onFinding(listener),
    close: () => store.close(),
  };
}
