import type { Origin } from "@onlyonce/core";
import { describe, expect } from "vitest";
import type { StoreFeatures, StoreTest } from "./store-harness.js";
import { LEASE_MS, only, SHORT_LEASE_MS, TestKey, told } from "./test-key.js";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** Origins that a store must give back as they came. */
const ORIGINS: Readonly<Record<string, Origin>> = {
  "a trace and coordinates": {
    traceparent: TRACEPARENT,
    coordinates: "orders/3/1042@1700000000000",
  },
  "a trace alone": { traceparent: TRACEPARENT },
  "coordinates alone": { coordinates: "orders/3/1042@1700000000000" },
  "a trace of a version to come": { traceparent: `cc${TRACEPARENT.slice(2)}-extra` },
  "coordinates with blanks, braces and percent signs": { coordinates: " a {b}%20 %\\c\t" },
  "coordinates with line breaks and letters beyond ASCII": { coordinates: "käse\r\n☃\u{1f9c0}\0" },
};

/** What a record keeps and tells: who did the work, since when, and with which result. */
export function describeRecords(test: StoreTest, features: StoreFeatures): void {
  describe.concurrent("records", () => {
    test("behaviours 1 and 2: an unseen key is granted, and once completed it is a duplicate", async (subject) => {
      const key = new TestKey(subject);
      const held = await key.take("mine");
      expect(await key.complete(held)).toBe("ok");
      expect(told(await key.claim("other"))).toBe(test.words("duplicate of mine"));
    });

    test("behaviour 5: every one of 1000 successive duplicates is dropped, not every second one", async (subject) => {
      const key = new TestKey(subject);
      await key.complete(await key.take("mine"));
      const others: string[] = [];
      for (let copy = 1; copy <= 1000; copy += 1) {
        const request = { ...key.request("other"), token: `copy.${copy}` };
        const reply = told(only(await subject.store.claim([request])));
        if (reply !== test.words("duplicate of mine")) others.push(`${copy}: ${reply}`);
      }
      expect(others).toEqual([]);
    });

    test("a busy answer says for how long at most", async (subject) => {
      const key = new TestKey(subject);
      await key.take("mine");
      const reply = await key.claim("other");
      const leaseLeftMs = reply.status === "busy" ? reply.leaseLeftMs : Number.NaN;
      expect(leaseLeftMs).toBeGreaterThan(0);
      expect(leaseLeftMs).toBeLessThanOrEqual(LEASE_MS);
    });

    describeOrigins(test, features);
    if (features.completed !== "bare") describeResults(test);
  });
}

function describeOrigins(test: StoreTest, features: StoreFeatures): void {
  for (const [name, origin] of Object.entries(ORIGINS)) {
    test(`an origin of ${name} comes back as it was given, in every answer that tells one`, async (subject) => {
      const shown = { ...origin, ageMs: expect.any(Number) };
      const left = features.completed === "bare" ? {} : shown;
      const key = new TestKey(subject);
      const held = await key.take("mine", { origin });
      expect(await key.claim("other")).toMatchObject({ status: "busy", origin: shown });
      expect((await subject.store.inspect(key.digest))?.origin).toEqual(shown);
      await key.release(held, "failed");
      const again = await key.claim("other", { origin });
      expect(again).toMatchObject({ status: "reclaimed", previous: shown });
      await key.complete(key.held("other", 2, { origin }));
      const reply = await key.claim("third");
      expect(reply).toEqual({ status: "duplicate", origin: left });
      expect((await subject.store.inspect(key.digest))?.origin).toEqual(left);
    });
  }

  test("a record without an origin is a duplicate all the same", async (subject) => {
    const key = new TestKey(subject);
    await key.complete(await key.take("mine", { origin: {} }));
    expect(told(await key.claim("other"))).toBe(test.words("duplicate of undefined"));
    expect(await key.complete(key.held("mine", 1, { origin: {} }))).toBe("ok");
  });

  test("the origin of a completed record is that of the completion", async (subject) => {
    const key = new TestKey(subject);
    const held = await key.take("mine", { origin: { coordinates: "where it was claimed" } });
    await key.complete({ ...held, origin: { coordinates: "where it was done" } });
    expect(told(await key.claim("other"))).toBe(test.words("duplicate of where it was done"));
  });

  test("the age of a key counts from its first claim, over takeover and completion", async (subject) => {
    const key = new TestKey(subject);
    await key.takeAndLapse("mine");
    const taken = await key.claim("other");
    await subject.advance(SHORT_LEASE_MS + 50);
    await key.complete(key.held("other", 2));
    const reply = await key.claim("third");
    const previousMs = taken.status === "reclaimed" ? taken.previous.ageMs : undefined;
    const ageMs = reply.status === "duplicate" ? reply.origin.ageMs : undefined;
    expect(previousMs).toBeGreaterThanOrEqual(SHORT_LEASE_MS);
    if (features.completed === "bare") return expect(ageMs).toBeUndefined();
    expect(ageMs).toBeGreaterThanOrEqual((previousMs ?? Number.NaN) + SHORT_LEASE_MS);
    if (features.clock === "manual") expect([previousMs, ageMs]).toEqual([150, 300]);
  });
}

function describeResults(test: StoreTest): void {
  test("a stored result comes back byte for byte, also when the caller changes its bytes meanwhile", async (subject) => {
    const key = new TestKey(subject);
    const result = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await key.complete({ ...(await key.take("mine")), result });
    result.fill(7);
    for (const who of ["other", "third"] as const) {
      const reply = await key.claim(who);
      const stored = reply.status === "duplicate" ? reply.result : undefined;
      expect(Array.from(stored ?? [])).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
      stored?.fill(9);
    }
  });

  test("an empty result is a result, and none is none", async (subject) => {
    const [empty, none] = [new TestKey(subject), new TestKey(subject)];
    await empty.complete({ ...(await empty.take("mine")), result: new Uint8Array() });
    await none.complete(await none.take("mine"));
    const replies = await subject.store.claim([empty.request("other"), none.request("other")]);
    const results = replies.map((reply) => reply.status === "duplicate" && reply.result);
    expect(results.map((result) => (result ? result.length : result))).toEqual([0, undefined]);
  });

  test("the first recorded result wins", async (subject) => {
    const key = new TestKey(subject);
    const late = await key.takeAndLapse("mine");
    const held = await key.take("other");
    expect(await key.complete({ ...held, result: new Uint8Array([1]) })).toBe("ok");
    expect(await key.complete({ ...held, result: new Uint8Array([2]) })).toBe("ok");
    expect(await key.complete({ ...late, result: new Uint8Array([3]) })).toBe("stolen");
    const reply = await key.claim("third");
    const stored = reply.status === "duplicate" ? reply.result : undefined;
    expect(Array.from(stored ?? [])).toEqual([1]);
  });
}
