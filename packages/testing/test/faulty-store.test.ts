import type { ClaimRequest, Held, Store } from "@onlyonce/core";
import { memoryStore } from "@onlyonce/core";
import { describe, expect, it } from "vitest";
import { FaultyStore, ManualClock, type StoreVerb } from "../src/index.js";

const KEY = "AAAAAAAAAAAAAAAAAAAAAA";
const VERBS = ["claim", "remember", "start", "renew", "complete", "release"] as const;

function request(token: string): ClaimRequest {
  return { key: KEY, token, leaseMs: 1_000, windowMs: 10_000, origin: {} };
}

function opened(): { clock: ManualClock; inner: Store; store: FaultyStore } {
  const clock = new ManualClock();
  const inner = memoryStore({ clock });
  return { clock, inner, store: new FaultyStore(inner, clock) };
}

function call(store: Store, verb: StoreVerb, held: Held): Promise<readonly unknown[]> {
  return verb === "release" ? store.release([{ ...held, as: "failed" }]) : store[verb]([held]);
}

describe("FaultyStore", () => {
  it("passes everything through and keeps a list of the calls", async () => {
    const { store } = opened();
    const held = { ...request("a"), grant: 1 };
    for (const verb of ["claim", "start", "renew", "complete", "release", "remember"] as const) {
      await call(store, verb, held);
    }
    expect(store.calls.map((each) => each.verb)).toEqual([
      "claim",
      "start",
      "renew",
      "complete",
      "release",
      "remember",
    ]);
    expect(store.calls[0]?.keys).toEqual([KEY]);
    expect(store.count("claim")).toBe(1);
    expect((await store.inspect(KEY))?.state).toBe("completed");
    expect(await store.forget(KEY)).toBe(true);
    expect(await store.check()).toHaveLength(1);
  });

  it.each(VERBS)("fails %s before it is executed, and after", async (verb) => {
    const { store, inner } = opened();
    const held = { ...request("a"), grant: 1 };
    if (verb !== "claim" && verb !== "remember") await store.claim([held]);
    const before = await inner.inspect(KEY);
    store.next(verb, { kind: "fail", when: "before" }, undefined);
    await expect(call(store, verb, held)).rejects.toThrow(`${verb} was not answered`);
    expect(await inner.inspect(KEY)).toEqual(before);
    await call(store, verb, held);
    const error = new Error("mine");
    store.next(verb, { kind: "fail", when: "after", error });
    await expect(call(store, verb, held)).rejects.toBe(error);
    await expect(call(store, verb, held)).resolves.toHaveLength(1);
  });

  it("executes a call whose reply is lost", async () => {
    const { store } = opened();
    store.next("claim", { kind: "fail", when: "after" });
    await expect(store.claim([request("a")])).rejects.toThrow();
    expect(await store.claim([request("b")])).toMatchObject([{ status: "busy" }]);
    expect(await store.claim([request("a")])).toMatchObject([{ status: "acquired", grant: 1 }]);
  });

  it("leaves a call unanswered until the store is closed", async () => {
    const { store, inner, clock } = opened();
    store.next("claim", { kind: "hang", when: "before" }, { kind: "hang", when: "after" });
    const settled: string[] = [];
    const first = store.claim([request("a")]).catch(() => settled.push("first"));
    expect(await inner.inspect(KEY)).toBeUndefined();
    const second = store.claim([request("b")]).catch(() => settled.push("second"));
    await clock.advance(1);
    expect((await inner.inspect(KEY))?.state).toBe("claimed");
    expect(settled).toEqual([]);
    await store.close();
    await Promise.all([first, second]);
    expect(settled).toEqual(["first", "second"]);
  });

  it("delays a call by its clock, before or after it is executed", async () => {
    const { store, inner, clock } = opened();
    const settled: string[] = [];
    store.next("claim", { kind: "delay", when: "before", ms: 100 });
    void store.claim([request("a")]).then(() => settled.push("claim"));
    await clock.advance(99);
    expect(await inner.inspect(KEY)).toBeUndefined();
    await clock.advance(1);
    expect(settled).toEqual(["claim"]);
    store.next("complete", { kind: "delay", when: "after", ms: 100 });
    void store.complete([{ ...request("a"), grant: 1 }]).then(() => settled.push("complete"));
    await clock.advance(99);
    expect((await inner.inspect(KEY))?.state).toBe("completed");
    expect(settled).toEqual(["claim"]);
    await clock.advance(1);
    expect(settled).toEqual(["claim", "complete"]);
  });

  it("executes a call twice and answers what the second execution answered", async () => {
    const { store } = opened();
    await store.claim([request("a")]);
    await store.release([{ ...request("a"), grant: 1, as: "failed" }]);
    store.next("claim", { kind: "twice" });
    expect(await store.claim([request("b")])).toMatchObject([{ status: "acquired", grant: 2 }]);
  });

  it("delivers a copy of a call late, on command and once", async () => {
    const { store } = opened();
    const held = { ...request("a"), grant: 1 };
    await store.claim([held]);
    store.next("release", { kind: "copy" });
    expect(await store.release([{ ...held, as: "failed" }])).toEqual(["ok"]);
    expect(await store.claim([request("b")])).toMatchObject([{ status: "reclaimed" }]);
    expect(await store.deliverLate()).toEqual([["lost"]]);
    expect(await store.deliverLate()).toEqual([]);
  });

  it("holds a call back that its sender believes lost, and executes it late", async () => {
    const { store, inner } = opened();
    store.next("claim", { kind: "hold" });
    await expect(store.claim([request("a")])).rejects.toThrow("claim was not answered in time");
    expect(await inner.inspect(KEY)).toBeUndefined();
    expect(await store.deliverLate()).toMatchObject([[{ status: "acquired" }]]);
    expect((await inner.inspect(KEY))?.state).toBe("claimed");
  });

  it("refuses every key of a call without executing it", async () => {
    const { store, inner } = opened();
    const error = new Error("one node is down");
    store.next("claim", { kind: "refuse", error });
    const replies = await store.claim([request("a"), { ...request("b"), key: `${KEY}B` }]);
    expect(replies).toEqual([
      { status: "error", error },
      { status: "error", error },
    ]);
    expect(await inner.inspect(KEY)).toBeUndefined();
  });

  it("keeps a standing fault until it is restored, after what was scripted", async () => {
    const { store } = opened();
    store.always(VERBS, { kind: "fail", when: "before" });
    store.next("claim", undefined);
    await expect(store.claim([request("a")])).resolves.toHaveLength(1);
    await expect(store.claim([request("a")])).rejects.toThrow();
    await expect(store.complete([request("a")])).rejects.toThrow();
    store.restore();
    await expect(store.complete([request("a")])).resolves.toEqual(["ok"]);
  });
});
