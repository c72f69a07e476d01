import { describe, expect } from "vitest";
import type { StoreFeatures, StoreTest } from "./store-harness.js";
import { TestKey, told } from "./test-key.js";

/** Check and remember in one step. */
export function describeRemember(test: StoreTest, features: StoreFeatures): void {
  const isBare = features.completed === "bare";

  describe.concurrent("remember", () => {
    test("a key is new once, and a duplicate from then on", async (subject) => {
      const key = new TestKey(subject);
      expect(await key.remember("mine")).toEqual({ status: "new" });
      expect(await key.remember("other")).toEqual({
        status: "duplicate",
        origin: isBare ? {} : { coordinates: "mine", ageMs: expect.any(Number) },
      });
      expect(told(await key.claim("other"))).toBe(test.words("duplicate of mine"));
    });

    test("a resend is new again, also after others asked", async (subject) => {
      const key = new TestKey(subject);
      await key.remember("mine");
      await key.remember("other");
      expect(await key.remember("mine")).toEqual({ status: "new" });
      expect(await key.state()).toBe(test.words("completed by mine"));
    });

    test("an owner whose lapsed key was remembered by another is told at its completion", async (subject) => {
      const key = new TestKey(subject);
      const late = await key.takeAndLapse("mine");
      expect(await key.remember("other")).toEqual({ status: "new" });
      expect(await key.renew(late)).toBe("lost");
      expect(await key.complete(late)).toBe("stolen");
      expect(await key.state()).toBe(test.words("completed by other"));
    });

    test("an owner whose released key was remembered by another keeps the key's age", async (subject) => {
      const key = new TestKey(subject);
      await key.release(await key.take("mine"), "failed");
      await subject.advance(100);
      expect(await key.remember("other")).toEqual({ status: "new" });
      const reply = await key.claim("third");
      const ageMs = reply.status === "duplicate" ? reply.origin.ageMs : undefined;
      if (isBare) expect(ageMs).toBeUndefined();
      else expect(ageMs).toBeGreaterThanOrEqual(50);
    });

    test("equal keys of one batch are new once", async (subject) => {
      const key = new TestKey(subject);
      const requests = [key.request("mine"), key.request("other"), key.request("mine")];
      const replies = await subject.store.remember(requests);
      expect(replies.map(told)).toEqual(["new", test.words("duplicate of mine"), "new"]);
    });
  });
}
