import type { ClaimRequest } from "@onlyonce/core";
import { describe, expect, vi } from "vitest";
import {
  type StoreFeatures,
  type StoreHarness,
  type StoreUnderTest,
  storeTest,
} from "./store-harness.js";
import { LEASE_MS, only, TestKey, told } from "./test-key.js";

interface Timing {
  readonly windowMs: number;
  /** From completion until shortly before the end of the window. */
  readonly untilBeforeMs: number;
  /** From there until shortly after it. */
  readonly untilAfterMs: number;
}

/** A manual clock shows the very millisecond; a real one needs room for a slow machine. */
const TIMING: Readonly<Record<StoreFeatures["clock"], Timing>> = {
  manual: { windowMs: 1_000, untilBeforeMs: 999, untilAfterMs: 1 },
  real: { windowMs: 2_500, untilBeforeMs: 1_500, untilAfterMs: 1_150 },
};

/** How long things are remembered, and by whose clock. */
export function describeWindows(harness: StoreHarness, features: StoreFeatures): void {
  const { windowMs, untilBeforeMs, untilAfterMs: untilOverMs } = TIMING[features.clock];
  /** Still far from over when the others are. */
  const longMs = 10 * windowMs;
  const lateMs = (features.lateness ?? 0) * longMs;
  const untilAfterMs = untilOverMs + lateMs;
  const test = storeTest(harness, features);
  const windowTest = storeTest(harness, features, longMs);

  class WindowKey extends TestKey {
    override request(...[who, overrides]: Parameters<TestKey["request"]>): ClaimRequest {
      return super.request(who, { windowMs: longMs, ...overrides });
    }
  }

  async function toldBeforeAndAfter(subject: StoreUnderTest, key: TestKey): Promise<string[]> {
    await subject.advance(untilBeforeMs);
    const before = told(await key.claim("other"));
    await subject.advance(untilAfterMs);
    return [before, told(await key.claim("other"))];
  }

  describe.concurrent("windows", () => {
    windowTest(
      "behaviours 47 and 48: a duplicate is dropped until the window ends, and runs from then on",
      async (subject) => {
        const key = new WindowKey(subject);
        await key.complete(await key.take("mine", { windowMs }));
        expect(await toldBeforeAndAfter(subject, key)).toEqual([
          test.words("duplicate of mine"),
          "acquired, grant 1, attempt 1",
        ]);
      },
    );

    windowTest("a remembered key is new again when its window ends", async (subject) => {
      const key = new WindowKey(subject);
      await key.remember("mine", { windowMs });
      expect(await toldBeforeAndAfter(subject, key)).toEqual([
        test.words("duplicate of mine"),
        "acquired, grant 1, attempt 1",
      ]);
    });

    windowTest(
      "a record that is never completed is forgotten when its window ends, with its attempts",
      async (subject) => {
        const key = new WindowKey(subject);
        await key.release(await key.take("mine", { windowMs }), "failed");
        await subject.advance(untilBeforeMs);
        expect(await key.attempts()).toBe(1);
        await subject.advance(untilAfterMs);
        expect(await subject.store.inspect(key.digest)).toBeUndefined();
        expect(told(await key.claim("mine"))).toBe("acquired, grant 1, attempt 1");
      },
    );

    windowTest(
      "behaviours 6 and 7: a duplicate leaves owner and expiry as they are",
      async (subject) => {
        const key = new WindowKey(subject);
        await key.complete(await key.take("mine", { windowMs }));
        await subject.advance(untilBeforeMs);
        expect(told(await key.claim("other", { windowMs: longMs }))).toBe(
          test.words("duplicate of mine"),
        );
        expect(told(await key.remember("other", { windowMs: longMs }))).toBe(
          test.words("duplicate of mine"),
        );
        await subject.advance(untilAfterMs);
        expect(told(await key.claim("third"))).toBe("acquired, grant 1, attempt 1");
      },
    );

    windowTest(
      "behaviour 51: a record keeps the window it was written with when a shorter one is configured",
      async (subject) => {
        const key = new WindowKey(subject);
        await key.complete(await key.take("mine", { windowMs: longMs }));
        await key.claim("other", { windowMs });
        await subject.advance(untilBeforeMs + untilAfterMs);
        expect(told(await key.claim("other", { windowMs }))).toBe(test.words("duplicate of mine"));
      },
    );

    windowTest(
      "behaviour 52: the window starts at completion and replaces what was left of the claim",
      async (subject) => {
        const key = new WindowKey(subject);
        const held = await key.take("mine", { leaseMs: LEASE_MS, windowMs: longMs });
        await key.complete({ ...held, windowMs });
        const expiresInMs = await key.expiresInMs();
        expect(expiresInMs).toBeGreaterThan(0);
        expect(expiresInMs).toBeLessThanOrEqual(windowMs + lateMs);
      },
    );

    windowTest("renewals keep the record of a long handler from expiring", async (subject) => {
      const key = new WindowKey(subject);
      const held = await key.take("mine", { windowMs });
      await subject.advance(untilBeforeMs);
      expect(await key.renew(held)).toBe("ok");
      await subject.advance(untilAfterMs);
      expect(await key.complete(held)).toBe("ok");
    });
  });

  describe.concurrent("invalid durations", () => {
    for (const name of ["leaseMs", "windowMs"] as const) {
      for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        test(`behaviour 50: a claim with ${name} ${value} is refused and leaves nothing behind`, async (subject) => {
          const key = new TestKey(subject);
          const request = key.request("mine", { [name]: value });
          await expect(subject.store.claim([request])).rejects.toThrow(name);
          await expect(subject.store.remember([request])).rejects.toThrow(name);
          await expect(subject.store.complete([request])).rejects.toThrow(name);
          expect(await key.state()).toBe("absent");
        });
      }
    }
  });

  describe("clocks of clients", () => {
    test("behaviour 42: a client whose clock is days off decides nothing", async (subject) => {
      const key = new TestKey(subject);
      const done = new TestKey(subject);
      await key.take("mine");
      await done.complete(await done.take("mine"));
      for (const days of [-3, 3]) {
        const skewedMs = Date.now() + days * 86_400_000;
        const skewed = vi.spyOn(Date, "now").mockReturnValue(skewedMs);
        try {
          expect(told(await key.claim("other"))).toBe("busy with mine");
          expect(told(await done.claim("other"))).toBe(test.words("duplicate of mine"));
          const fresh = await new TestKey(subject).claim("other");
          expect(told(fresh)).toBe("acquired, grant 1, attempt 1");
        } finally {
          skewed.mockRestore();
        }
      }
      expect(only(await subject.store.renew([key.held("mine", 1)]))).toBe("ok");
    });
  });

  if (features.clock === "manual") {
    describe("leases", () => {
      test("a lease is live until its last millisecond and lapsed from then on", async (subject) => {
        const key = new TestKey(subject);
        await key.take("mine", { leaseMs: 100 });
        await subject.advance(99);
        expect(await key.claim("other")).toMatchObject({ status: "busy", leaseLeftMs: 1 });
        await subject.advance(1);
        expect(told(await key.claim("other"))).toContain("reclaimed by takeover");
      });
    });
  }
}
