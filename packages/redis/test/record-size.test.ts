import type { Origin } from "@onlyonce/core";
import { describe, expect, test } from "vitest";
import { claimOf, heldOf, lab, newKey } from "./redis-lab.js";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async function completedBytes(origin: Origin): Promise<{ bytes: number; record: string }> {
  const { redis, store, recordKey } = lab({ prefix: "once:" });
  const request = claimOf(newKey(), { origin, windowMs: 60_000 });
  await store.claim([request]);
  await store.complete([heldOf(request)]);
  const name = recordKey(request.key);
  const bytes = await redis.call("MEMORY", "USAGE", name);
  const record = (await redis.get(name)) ?? "";
  await redis.del(name);
  return { bytes: Number(bytes), record };
}

describe("the size of a completed record", () => {
  test("a bare one costs no more than the value 1 under the same key", async () => {
    const { redis } = lab();
    const key = newKey();
    const name = `once:{${key[0]}}${key.slice(1)}`;
    await redis.set(name, "1", "PX", 60_000);
    const one = Number(await redis.call("MEMORY", "USAGE", name));
    await redis.del(name);
    const { bytes, record } = await completedBytes({});
    expect(Number(record)).toBeLessThan(10_000);
    expect(bytes).toBe(one);
  });

  test("one with a trace link and its time fits into 44 characters, which Redis keeps in one piece", async () => {
    const bare = await completedBytes({});
    const linked = await completedBytes({ traceparent: TRACEPARENT });
    expect(linked.record).toHaveLength(44);
    expect(linked.bytes - bare.bytes).toBeLessThanOrEqual(64);
  });

  test("31 characters of coordinates cost 32 bytes more", async () => {
    const linked = await completedBytes({ traceparent: TRACEPARENT });
    const full = await completedBytes({
      traceparent: TRACEPARENT,
      coordinates: "orders/3/18273645101@1700000000",
    });
    expect(full.record).toHaveLength(76);
    expect(full.bytes - linked.bytes).toBeLessThanOrEqual(32);
  });

  test("coordinates are cut at 128 characters, also in the middle of a letter", async () => {
    const { store } = lab();
    const request = claimOf(newKey(), {
      origin: { coordinates: `${"x".repeat(127)}\u{1f9c0}yyy` },
      windowMs: 60_000,
    });
    await store.claim([request]);
    const [reply] = await store.claim([claimOf(request.key)]);
    const coordinates = reply?.status === "busy" ? (reply.origin.coordinates ?? "") : "";
    expect(coordinates.slice(0, 127)).toBe("x".repeat(127));
    expect(coordinates).toHaveLength(128);
  });
});
