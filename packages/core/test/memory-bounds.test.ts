import { ManualClock } from "@onlyonce/testing";
import { describe, expect, it } from "vitest";
import { OnlyOnceError } from "../src/errors.js";
import { type MemoryStoreOptions, memoryStore } from "../src/memory-store.js";
import type { ClaimRequest, Finding, Store } from "../src/store.js";

const WINDOW_MS = 1_000;

function request(key: string): ClaimRequest {
  return { key, token: `token of ${key}`, leaseMs: 100, windowMs: WINDOW_MS, origin: {} };
}

function opened(options: MemoryStoreOptions = {}): { clock: ManualClock; store: Store } {
  const clock = new ManualClock();
  return { clock, store: memoryStore({ clock, ...options }) };
}

async function claim(store: Store, key: string): Promise<string | undefined> {
  return (await store.claim([request(key)]))[0]?.status;
}

describe("the bounds of memoryStore", () => {
  it("refuses new keys when it is full, and goes on with those that it has", async () => {
    const { store } = opened({ maxRecords: 2 });
    expect(await claim(store, "a")).toBe("acquired");
    expect(await claim(store, "b")).toBe("acquired");
    const [refusal] = await store.claim([request("c")]);
    expect(refusal).toMatchObject({ status: "error" });
    const error = refusal?.status === "error" ? refusal.error : undefined;
    expect(OnlyOnceError.is(error) && [error.code, error.retriable]).toEqual([
      "ERR_ONLYONCE_STORE",
      true,
    ]);
    expect(await store.remember([request("d")])).toMatchObject([{ status: "error" }]);
    expect(await claim(store, "a")).toBe("acquired");
    expect(await store.complete([request("a")])).toEqual(["ok"]);
    expect(await store.claim([{ ...request("a"), token: "x" }])).toMatchObject([
      { status: "duplicate" },
    ]);
  });

  it("records work that is done even when it is full: nothing may be forgotten", async () => {
    const { store } = opened({ maxRecords: 1 });
    await claim(store, "a");
    expect(await store.complete([request("b")])).toEqual(["vanished"]);
    expect(await store.renew([{ ...request("c"), grant: 1 }])).toEqual(["restored"]);
    expect((await store.inspect("b"))?.state).toBe("completed");
  });

  it("takes new keys again as soon as one has expired or was forgotten", async () => {
    const { store, clock } = opened({ maxRecords: 1 });
    await claim(store, "a");
    await clock.advance(WINDOW_MS - 1);
    expect(await claim(store, "b")).toBe("error");
    await clock.advance(1);
    expect(await claim(store, "b")).toBe("acquired");
    await store.complete([request("b")]);
    expect(await claim(store, "c")).toBe("error");
    expect(await store.forget("b")).toBe(true);
    expect(await claim(store, "c")).toBe("acquired");
  });

  it("finds room among many records of which some were prolonged", async () => {
    const { store, clock } = opened({ maxRecords: 100 });
    for (let key = 0; key < 100; key += 1) await claim(store, `${key}`);
    await clock.advance(WINDOW_MS / 2);
    for (let key = 0; key < 99; key += 1) await store.complete([request(`${key}`)]);
    await clock.advance(WINDOW_MS / 2);
    expect(await claim(store, "new")).toBe("acquired");
    expect(await claim(store, "newer")).toBe("error");
  });

  it("reports once that it is full, and again when it was not in between", async () => {
    const { store, clock } = opened({ maxRecords: 1 });
    const findings: Finding[] = [];
    store.onFinding(() => {
      throw new Error("a listener's own problem");
    });
    const unsubscribe = store.onFinding((finding) => findings.push(finding));
    await claim(store, "a");
    expect([await claim(store, "b"), await claim(store, "c")]).toEqual(["error", "error"]);
    expect(findings).toMatchObject([{ code: "memory_full", severity: "error" }]);
    expect(findings[0]?.message).toContain("maxRecords");
    await clock.advance(WINDOW_MS);
    await claim(store, "b");
    await claim(store, "c");
    expect(findings).toHaveLength(2);
    unsubscribe();
    await clock.advance(WINDOW_MS);
    await claim(store, "c");
    await claim(store, "d");
    expect(findings).toHaveLength(2);
  });

  it("keeps no more than what still counts while keys come and go", async () => {
    const { store, clock } = opened({ maxRecords: 2_200 });
    for (let key = 0; key < 20_000; key += 1) {
      expect(await claim(store, `${key}`)).toBe("acquired");
      await store.complete([request(`${key}`)]);
      if (key % 2 === 1) await clock.advance(1);
    }
  });

  it("says that it serves one process only", async () => {
    expect(await opened().store.check()).toMatchObject([{ code: "memory_only", severity: "info" }]);
  });
});

describe("the options of memoryStore", () => {
  it.each([
    [{ maxRecords: 0 }, RangeError, "maxRecords must be a whole number from 1 to 16777216, got 0"],
    [{ maxRecords: -1 }, RangeError, "got -1"],
    [{ maxRecords: 1.5 }, RangeError, "got 1.5"],
    [{ maxRecords: Number.NaN }, RangeError, "got NaN"],
    [{ maxRecords: "10" }, TypeError, 'maxRecords must be a number, got "10"'],
    [{ maxRecord: 10 }, TypeError, 'unknown option "maxRecord"'],
    [{ clock: {} }, TypeError, "clock.nowMs must be a function"],
    [null, TypeError, "the options of memoryStore must be an object, got null"],
  ])("behaviour 50: %j is refused at construction", (options, kind, message) => {
    const construct = () => memoryStore(options as MemoryStoreOptions);
    expect(construct).toThrow(kind);
    expect(construct).toThrow(message);
  });

  it("needs none: it then goes by the clock of this process", async () => {
    const store = memoryStore();
    expect(await claim(store, "a")).toBe("acquired");
    const [reply] = await store.claim([{ ...request("a"), token: "x" }]);
    expect(reply).toMatchObject({ status: "busy" });
    await store.close();
  });
});
