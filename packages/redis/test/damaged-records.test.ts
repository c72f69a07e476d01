import type { Finding } from "@onlyonce/core";
import { describe, expect, test, vi } from "vitest";
import { claimOf, heldOf, lab, newKey } from "./redis-lab.js";

const MALFORMED: Readonly<Record<string, string>> = {
  "an empty string": "",
  "a word": "done",
  "a number that is too large": "10000",
  "a claim without fields": "C1",
  "a claim with a cut lease end": "C10179523090912J7n0db4token 1 0 ",
  "a claim without a token": "C101795230909123J7n0db4 1 0 ",
  "a claim with a line break": "C101795230909123J7n0db4token 1 0 a\nb c",
  "a claim with marks that do not exist": "C171795230909123J7n0db4token 1 0 ",
  "a completed record with an answer that does not exist": "D17J7n0db4UaJ here",
  "a completed record with a cut time": "D10J7n0d",
  "version zero": "C001795230909123J7n0db4token 1 0 ",
  JSON: '{"status":"COMPLETED"}',
  "bytes that are no text": "\u0000\u00ff\u0001",
};

describe("records that something else wrote", () => {
  for (const [name, record] of Object.entries(MALFORMED)) {
    test(`behaviour 60: ${name} counts as absent for every call`, async () => {
      const { redis, store, recordKey } = lab();
      const request = claimOf(newKey());
      const held = heldOf(request);
      const damage = () => redis.set(recordKey(request.key), record, "PX", 600_000);
      await damage();
      expect(await store.inspect(request.key)).toBeUndefined();
      expect(await store.start([held])).toEqual(["lost"]);
      expect(await store.release([{ ...held, as: "failed" }])).toEqual(["lost"]);
      expect(await redis.get(recordKey(request.key))).toBe(record);
      expect(await store.renew([held])).toEqual(["restored"]);
      await damage();
      expect(await store.complete([held])).toEqual(["vanished"]);
      await damage();
      expect(await store.remember([request])).toEqual([{ status: "new" }]);
      await damage();
      expect(await store.claim([request])).toMatchObject([{ status: "acquired", grant: 1 }]);
      await damage();
      expect(await store.forget(request.key)).toBe(true);
      await redis.del(recordKey(request.key));
    });
  }

  test("behaviour 60: a key of another type counts as absent and is replaced", async () => {
    const { redis, store, recordKey } = lab();
    const request = claimOf(newKey());
    await redis.hset(recordKey(request.key), "field", "value");
    expect(await store.claim([request])).toMatchObject([{ status: "acquired" }]);
    expect(await store.complete([heldOf(request)])).toEqual(["ok"]);
    await redis.del(recordKey(request.key));
  });

  test("behaviour 61: records of two versions live side by side in one call", async () => {
    const { redis, store, recordKey } = lab();
    const [old, completed, claimed] = [claimOf(newKey()), claimOf(newKey()), claimOf(newKey())];
    await store.claim([old]);
    await store.complete([heldOf(old)]);
    await redis.set(recordKey(completed.key), "D7 whatever comes", "PX", 60_000);
    await redis.set(recordKey(claimed.key), "CB whatever comes", "PX", 60_000);
    const replies = await store.claim([old, completed, claimed].map(({ key }) => claimOf(key)));
    expect(replies.map((reply) => reply.status)).toEqual(["duplicate", "duplicate", "error"]);
    expect(replies[2]).toMatchObject({ unreadable: true });
    await expect(store.forget(claimed.key)).rejects.toThrow("newer version");
    expect(await store.forget(completed.key)).toBe(true);
  });

  test("behaviour 38: no claim is written without a deadline", async () => {
    const { redis, store, recordKey } = lab();
    for (const leaseMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, undefined as never]) {
      const request = claimOf(newKey(), { leaseMs });
      await expect(store.claim([request])).rejects.toThrow("leaseMs must be a positive number");
      expect(await redis.exists(recordKey(request.key))).toBe(0);
    }
    const request = claimOf(newKey());
    await store.claim([request]);
    const record = (await redis.get(recordKey(request.key))) ?? "";
    const [seconds = ""] = (await redis.time()).map(String);
    expect(Number(record.slice(3, 16))).toBeGreaterThan(Number(seconds) * 1000);
  });

  test("behaviour 38: a claim whose deadline can't be read blocks until its record ends: it is nobody's orphan", async () => {
    const { redis, store, recordKey } = lab();
    const request = claimOf(newKey());
    await redis.set(recordKey(request.key), "C2 a claim that knows no deadline", "PX", 60_000);
    expect(await store.claim([request])).toMatchObject([{ status: "error", unreadable: true }]);
    expect(await store.remember([claimOf(request.key)])).toMatchObject([{ status: "error" }]);
    await redis.pexpire(recordKey(request.key), 1);
    await vi.waitUntil(async () => (await redis.exists(recordKey(request.key))) === 0, {
      timeout: 10_000,
    });
    expect(await store.claim([request])).toMatchObject([{ status: "acquired", attempt: 1 }]);
  });

  test("a flood of malformed records is reported once, with the number so far in the next report", async () => {
    const { redis, store, recordKey } = lab();
    const findings: Finding[] = [];
    store.onFinding(() => {
      throw new Error("a listener that fails");
    });
    store.onFinding((finding) => findings.push(finding));
    for (let i = 0; i < 50; i += 1) {
      const request = claimOf(newKey());
      await redis.set(recordKey(request.key), "junk", "PX", 60_000);
      expect(await store.claim([request])).toMatchObject([{ status: "acquired" }]);
    }
    expect(findings).toMatchObject([{ code: "record_malformed", severity: "warning" }]);
  });
});
