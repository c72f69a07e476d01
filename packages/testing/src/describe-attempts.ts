import { describe, expect } from "vitest";
import type { StoreTest } from "./store-harness.js";
import { lapse, SHORT_LEASE_MS, TestKey, told } from "./test-key.js";

/** What counts as an attempt, and who has to mark the start of its handler. */
export function describeAttempts(test: StoreTest): void {
  describe.concurrent("attempts", () => {
    test("behaviour 21: a released key is claimed by the next delivery at once, and the failure counts", async (subject) => {
      const key = new TestKey(subject);
      expect(await key.release(await key.take("mine"), "failed")).toBe("ok");
      expect(await key.claim("other")).toEqual({
        status: "reclaimed",
        takeover: false,
        previous: { coordinates: "mine", ageMs: expect.any(Number) },
        grant: 2,
        attempt: 2,
        suspect: false,
      });
    });

    test("behaviour 23: a key whose release never arrived is taken over when its lease lapses", async (subject) => {
      const key = new TestKey(subject);
      await key.takeAndLapse("mine");
      expect(told(await key.claim("other"))).toBe(
        "reclaimed by takeover from mine, grant 2, attempt 1, suspect",
      );
    });

    test("behaviour 25: a release of something untried leaves no attempt behind", async (subject) => {
      const key = new TestKey(subject);
      await key.release(await key.take("mine"), "unstarted");
      expect(told(await key.claim("other"))).toBe(
        "reclaimed after a release from mine, grant 2, attempt 1",
      );
    });

    test("claims, resends, busy answers and renewals never count", async (subject) => {
      const key = new TestKey(subject);
      const held = await key.take("mine");
      await key.claim("mine");
      await key.claim("other");
      await key.renew(held);
      expect(await key.attempts()).toBe(0);
    });

    test("failures add up over many grants", async (subject) => {
      const key = new TestKey(subject);
      for (let round = 0; round < 6; round += 1) {
        const who = round % 2 === 0 ? "mine" : "other";
        const reply = await key.claim(who);
        expect(reply).toMatchObject({ grant: round + 1, attempt: round + 1 });
        expect(await key.release(key.held(who, round + 1), "failed")).toBe("ok");
      }
      expect(await key.attempts()).toBe(6);
    });

    test("a marked start counts once per grant, and its failure does not count again", async (subject) => {
      const key = new TestKey(subject);
      const held = await key.take("mine");
      expect(await key.start(held)).toBe("ok");
      expect(await key.start(held)).toBe("ok");
      expect(await key.attempts()).toBe(1);
      await key.release(held, "failed");
      expect(await key.attempts()).toBe(1);
    });

    test("a release of something untried takes its own marked start back, and no earlier one", async (subject) => {
      const key = new TestKey(subject);
      const first = await key.take("mine");
      await key.start(first);
      await key.release(first, "failed");
      const second = await key.take("other");
      await key.start(second);
      expect(await key.attempts()).toBe(2);
      await key.release(second, "unstarted");
      expect(await key.attempts()).toBe(1);
    });

    test("a message that kills its process is counted from the second time on", async (subject) => {
      const key = new TestKey(subject);
      await key.takeAndLapse("mine");
      const attempts: unknown[] = [];
      for (const who of ["other", "mine", "other"] as const) {
        const reply = await key.claim(who, { leaseMs: SHORT_LEASE_MS });
        attempts.push("attempt" in reply && [reply.attempt, reply.suspect]);
        const grant = "grant" in reply ? reply.grant : 0;
        expect(await key.start(key.held(who, grant, { leaseMs: SHORT_LEASE_MS }))).toBe("ok");
        await lapse(subject);
      }
      expect(attempts).toEqual([
        [1, true],
        [2, true],
        [3, true],
      ]);
    });

    test("a lapse is remembered over failures and releases, until a reset", async (subject) => {
      const key = new TestKey(subject);
      await key.takeAndLapse("mine");
      await key.release(await key.take("other"), "failed");
      expect(told(await key.claim("mine"))).toBe(
        "reclaimed after a release from other, grant 3, attempt 2, suspect",
      );
      await key.release(key.held("mine", 3), "unstarted");
      expect(told(await key.claim("other"))).toBe(
        "reclaimed after a release from mine, grant 4, attempt 2, suspect",
      );
      await key.release(key.held("other", 4), "reset");
      expect(told(await key.claim("third"))).toBe(
        "reclaimed after a release from other, grant 5, attempt 1",
      );
    });

    test("behaviour 24: a reset lets a message that was dead-lettered start again at attempt 1", async (subject) => {
      const key = new TestKey(subject);
      await key.release(await key.take("mine"), "failed");
      const held = await key.take("other");
      await key.start(held);
      expect(await key.release(held, "reset")).toBe("ok");
      expect(await key.attempts()).toBe(0);
      expect(told(await key.claim("third"))).toBe(
        "reclaimed after a release from other, grant 3, attempt 1",
      );
    });

    test("a marked start restarts the lease", async (subject) => {
      const key = new TestKey(subject);
      const held = await key.takeAndLapse("mine");
      expect(await key.start({ ...held, leaseMs: 60_000 })).toBe("ok");
      expect(await key.state()).toBe("live claim of mine, attempts 1");
    });
  });
}
