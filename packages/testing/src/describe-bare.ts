import { describe, expect } from "vitest";
import { type StoreFeatures, type StoreHarness, storeTest } from "./store-harness.js";
import { newDigest, TestKey, told } from "./test-key.js";

/** Stores that keep of a completed key nothing but the fact. */
export function describeBare(harness: StoreHarness, features: StoreFeatures): void {
  const test = storeTest(harness, { ...features, completed: "full" });
  const fingerprint = newDigest();

  describe.concurrent("bare completed records", () => {
    test("the store says that it keeps no more", async ({ store }) => {
      expect(store.completedRecords).toBe("bare");
      expect(store.maxWindowMs).toBeGreaterThan(0);
    });

    test("a claim with a fingerprint is refused and leaves nothing behind", async (subject) => {
      const key = new TestKey(subject);
      await expect(key.claim("mine", { fingerprint })).rejects.toThrow("fingerprint");
      await expect(key.remember("mine", { fingerprint })).rejects.toThrow("fingerprint");
      expect(await key.state()).toBe("absent");
    });

    test("a completion with a result is refused, and goes through without it", async (subject) => {
      const key = new TestKey(subject);
      const held = await key.take("mine");
      await expect(key.complete({ ...held, result: new Uint8Array(1) })).rejects.toThrow("result");
      expect(await key.complete(held)).toBe("ok");
    });

    test("a longer window than the store's is refused", async (subject) => {
      const key = new TestKey(subject);
      const windowMs = (subject.store.maxWindowMs ?? 0) + 1;
      await expect(key.claim("mine", { windowMs })).rejects.toThrow("windowMs");
      expect(await key.state()).toBe("absent");
    });

    test("a live claim, a failed one and a takeover tell of the owner all the same", async (subject) => {
      const key = new TestKey(subject);
      const held = await key.take("mine");
      expect(told(await key.claim("other"))).toBe("busy with mine");
      await key.release(held, "failed");
      expect(told(await key.claim("other"))).toContain("reclaimed after a release from mine");
    });
  });
}
