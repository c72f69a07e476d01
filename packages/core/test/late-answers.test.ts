import { FaultyStore, type StoreFault } from "@onlyonce/testing";
import { describe, expect, it, vi } from "vitest";
import { attend } from "../src/adapter.js";
import type { TopicPolicy } from "../src/index.js";
import { type Guarded, guarded, payment, Work, watch } from "./guarded.js";

const SLOW: StoreFault = { kind: "delay", when: "after", ms: 400 };

/** A deduplicator on a way to the store that can be slow or broken, and others on the same store. */
function withFaults(policy: TopicPolicy = {}): {
  readonly group: Guarded;
  readonly one: ReturnType<Guarded["peer"]>;
  readonly store: FaultyStore;
} {
  const group = guarded(policy);
  const store = new FaultyStore(group.store, group.clock);
  return { group, store, one: group.peer(() => store) };
}

describe("an answer that comes after the deduplicator began to close", () => {
  for (const drainMs of [0, 1_000]) {
    it(`to a claim: the handler does not start, and others may at once (drainMs ${drainMs})`, async () => {
      const { group, one, store } = withFaults();
      store.next("claim", SLOW);
      const handler = vi.fn();
      const late = watch(attend(one.dedup, payment("p1"), handler));
      await group.clock.advance(100);
      const closing = watch(one.dedup.close({ drainMs }));
      await group.clock.advance(300);
      expect(await late.promise).toEqual({ outcome: undefined, settlement: "return" });
      expect(closing.state()).toBe("resolved");
      expect(handler).not.toHaveBeenCalled();
      expect(one.observer.names()).toEqual([]);
      const next = await group.peer().dedup.process(payment("p1"), ({ attempt }) => attempt);
      expect(next).toMatchObject({ outcome: "processed", value: 1 });
    });
  }

  it("to a start mark after a takeover: the handler does not start, and the attempt is not counted", async () => {
    const { group, one, store } = withFaults({ busyWaitMs: 4_000 });
    const victim = group.peer();
    void victim.dedup.process(payment("p1"), new Work().handler);
    await group.clock.advance(0);
    await victim.dedup.close({ drainMs: 0 });
    store.next("start", SLOW);
    const handler = vi.fn();
    const late = watch(attend(one.dedup, payment("p1"), handler));
    await group.clock.advance(3_100);
    expect(store.count("start")).toBe(1);
    const closing = watch(one.dedup.close());
    await group.clock.advance(400);
    expect(await late.promise).toMatchObject({ outcome: undefined, settlement: "return" });
    expect(closing.state()).toBe("resolved");
    expect(handler).not.toHaveBeenCalled();
    const next = await group.peer().dedup.process(payment("p1"), ({ attempt }) => attempt);
    expect(next).toMatchObject({ outcome: "processed", value: 1 });
  });

  it("to nobody, where a store that is down is no reason to wait: the handler does not start either", async () => {
    const group = guarded({ onStoreDown: "process" });
    const broken = new FaultyStore(group.store, group.clock);
    const slow = new FaultyStore(broken, group.clock);
    const one = group.peer(() => slow);
    broken.next("claim", { kind: "fail", when: "after" }, { kind: "fail", when: "before" });
    slow.next("claim", undefined, { kind: "delay", when: "before", ms: 400 });
    const handler = vi.fn();
    const late = watch(attend(one.dedup, payment("p1"), handler));
    await group.clock.advance(100);
    await one.dedup.close({ drainMs: 0 });
    await group.clock.advance(300);
    expect(await late.promise).toMatchObject({ outcome: undefined, settlement: "return" });
    expect(handler).not.toHaveBeenCalled();
    const next = await group.peer().dedup.process(payment("p1"), ({ attempt }) => attempt);
    expect(next).toMatchObject({ outcome: "processed", value: 1 });
  });
});
