import { type KeyRecord, OnlyOnceError } from "@onlyonce/core";
import { describe, expect } from "vitest";
import type { StoreFeatures, StoreTest } from "./store-harness.js";
import { TestKey, told, WINDOW_MS } from "./test-key.js";

/** What people ask a store for: inspect, forget, check, close. */
export function describeOperators(test: StoreTest, features: StoreFeatures): void {
  describe.concurrent("inspect", () => {
    test("an unknown key has no record", async (subject) => {
      expect(await subject.store.inspect(new TestKey(subject).digest)).toBeUndefined();
    });

    test("a record tells its state, attempts, origin and expiry; looking changes nothing", async (subject) => {
      const key = new TestKey(subject);
      const common = {
        origin: { coordinates: "mine", ageMs: expect.any(Number) },
        expiresInMs: expect.any(Number),
        revision: expect.any(String),
      };
      const held = await key.take("mine");
      const claimed = await subject.store.inspect(key.digest);
      expect(claimed).toEqual({ state: "claimed", attempt: 0, ...common });
      expect(await key.revision()).toBe(claimed?.revision);
      expect(await key.expiresInMs()).toBeLessThanOrEqual(WINDOW_MS);
      await key.release(held, "failed");
      const failed = await subject.store.inspect(key.digest);
      expect(failed).toEqual({ state: "failed", attempt: 1, ...common });
      await key.complete(held);
      const completed = await subject.store.inspect(key.digest);
      const origin = features.completed === "bare" ? {} : common.origin;
      expect(completed).toEqual({ state: "completed", ...common, origin });
      const revisions = [claimed, failed, completed].map((record) => record?.revision);
      expect(new Set(revisions).size).toBe(3);
    });
  });

  describe.concurrent("forget", () => {
    test("a forgotten key runs again as if it had never been seen", async (subject) => {
      const [failed, completed] = [new TestKey(subject), new TestKey(subject)];
      await failed.release(await failed.take("mine"), "failed");
      await completed.complete(await completed.take("mine"));
      for (const key of [failed, completed]) {
        expect(await subject.store.forget(key.digest)).toBe(true);
        expect(told(await key.claim("other"))).toBe("acquired, grant 1, attempt 1");
      }
    });

    test("a live claim is never forgotten, a lapsed one may be", async (subject) => {
      const [live, lapsed] = [new TestKey(subject), new TestKey(subject)];
      await live.take("mine");
      await lapsed.takeAndLapse("mine");
      expect(await subject.store.forget(live.digest)).toBe(false);
      expect(await live.state()).toBe("live claim of mine, attempts 0");
      expect(await subject.store.forget(lapsed.digest)).toBe(true);
      expect(await lapsed.state()).toBe("absent");
    });

    test("nothing is forgotten where there is nothing", async (subject) => {
      expect(await subject.store.forget(new TestKey(subject).digest)).toBe(false);
    });

    test("only the record that was seen is forgotten: not one claimed, failed or completed since", async (subject) => {
      const key = new TestKey(subject);
      const seen: (KeyRecord | undefined)[] = [];
      const look = async () => seen.push(await subject.store.inspect(key.digest));
      const refused = async () => {
        for (const record of seen) {
          const old = record ?? expect.fail("no record");
          expect(await subject.store.forget(key.digest, old)).toBe(false);
        }
      };
      await key.takeAndLapse("mine");
      await look();
      await key.takeAndLapse("other");
      await refused();
      await look();
      await key.release(await key.take("mine"), "failed");
      await refused();
      await look();
      await key.release(await key.take("other"), "failed");
      await refused();
      await look();
      await key.release(await key.take("mine"), "failed");
      await refused();
      await look();
      await key.complete(await key.take("other"));
      await refused();
      expect(await key.state()).toBe(test.words("completed by other"));
    });

    test("a completed record is forgotten once, and not one that was completed afresh since", async (subject) => {
      const key = new TestKey(subject);
      await key.complete(await key.take("mine"));
      const completed = await subject.store.inspect(key.digest);
      expect(await subject.store.forget(key.digest, completed)).toBe(true);
      expect(await subject.store.forget(key.digest, completed)).toBe(false);
      await key.complete(await key.take("other"));
      expect(await subject.store.forget(key.digest, completed)).toBe(false);
      expect(await key.state()).toBe(test.words("completed by other"));
    });

    test("a lapsed claim that its owner revived since it was seen is not forgotten", async (subject) => {
      const key = new TestKey(subject);
      const held = await key.takeAndLapse("mine");
      const seen = await subject.store.inspect(key.digest);
      await key.renew({ ...held, leaseMs: 60_000 });
      expect(await subject.store.forget(key.digest, seen)).toBe(false);
      expect(await key.renew(held)).toBe("ok");
    });
  });

  describe.concurrent("check and close", () => {
    test("findings say what is wrong in words", async (subject) => {
      for (const finding of await subject.store.check()) {
        expect(["info", "warning", "error"]).toContain(finding.severity);
        expect(finding.code).toMatch(/^[a-z_]+$/);
        expect(finding.message.length).toBeGreaterThan(20);
      }
    });

    test("every call after close is rejected as closed, and closing twice is fine", async (subject) => {
      const { store } = subject;
      const key = new TestKey(subject);
      const held = await key.take("mine");
      await store.close();
      await store.close();
      const calls: readonly (() => Promise<unknown>)[] = [
        () => store.claim([held]),
        () => store.remember([held]),
        () => store.start([held]),
        () => store.renew([held]),
        () => store.complete([held]),
        () => store.release([{ ...held, as: "failed" }]),
        () => store.inspect(key.digest),
        () => store.forget(key.digest),
        () => store.check(),
      ];
      const errors = await Promise.all(
        calls.map((call) =>
          call().then(
            () => "resolved",
            (error: unknown) => error,
          ),
        ),
      );
      expect(errors.map((error) => OnlyOnceError.is(error) && error.code)).toEqual(
        calls.map(() => "ERR_ONLYONCE_CLOSED"),
      );
      expect(errors.map((error) => OnlyOnceError.is(error) && error.retriable)).toEqual(
        calls.map(() => false),
      );
    });
  });
}
