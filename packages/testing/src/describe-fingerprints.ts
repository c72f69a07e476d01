import { describe, expect } from "vitest";
import type { StoreTest } from "./store-harness.js";
import { lapse, newDigest, SHORT_LEASE_MS, TestKey, told } from "./test-key.js";

const ONE = { fingerprint: newDigest() };
const ANOTHER = { fingerprint: newDigest() };

/** The same key with another payload. */
export function describeFingerprints(test: StoreTest): void {
  describe.concurrent("fingerprints", () => {
    test("behaviour 19: a completed key with another fingerprint is a conflict, and its result stays untold", async (subject) => {
      const key = new TestKey(subject);
      const held = await key.take("mine", ONE);
      await key.complete({ ...held, result: new Uint8Array([1]) });
      const reply = await key.claim("other", ANOTHER);
      expect(reply).toEqual({
        status: "conflict",
        origin: { coordinates: "mine", ageMs: expect.any(Number) },
      });
      expect(told(await key.claim("other", ONE))).toBe("duplicate of mine");
    });

    test("a fingerprint on one side only is no conflict", async (subject) => {
      const [without, carrying] = [new TestKey(subject), new TestKey(subject)];
      await without.complete(await without.take("mine"));
      await carrying.complete(await carrying.take("mine", ONE));
      expect(told(await without.claim("other", ONE))).toBe("duplicate of mine");
      expect(told(await carrying.claim("other"))).toBe("duplicate of mine");
    });

    test("a live claim with another fingerprint is busy, not a conflict", async (subject) => {
      const key = new TestKey(subject);
      await key.take("mine", ONE);
      expect(told(await key.claim("other", ANOTHER))).toBe("busy with mine");
    });

    test("after a failure the corrected message may run, and its fingerprint counts from then on", async (subject) => {
      const key = new TestKey(subject);
      await key.release(await key.take("mine", ONE), "failed");
      await key.complete(await key.take("other", ANOTHER));
      expect(told(await key.claim("third", ONE))).toBe("conflict with other");
      expect(told(await key.claim("third", ANOTHER))).toBe("duplicate of other");
    });

    test("after a crash the corrected message may take over", async (subject) => {
      const key = new TestKey(subject);
      await key.take("mine", { ...ONE, leaseMs: SHORT_LEASE_MS });
      await lapse(subject);
      expect(told(await key.claim("other", ANOTHER))).toContain("reclaimed by takeover");
    });

    test("a remembered fingerprint conflicts with another one", async (subject) => {
      const key = new TestKey(subject);
      await key.remember("mine", ONE);
      expect(told(await key.remember("other", ANOTHER))).toBe("conflict with mine");
      expect(told(await key.claim("other", ANOTHER))).toBe("conflict with mine");
      expect(told(await key.remember("other", ONE))).toBe("duplicate of mine");
    });
  });
}
