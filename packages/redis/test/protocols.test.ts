import { Redis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { redisStore } from "../src/index.js";
import { claimOf, heldOf, newKey, ownPrefix } from "./redis-lab.js";

describe.each([2, 3] as const)("over RESP%i", (protocol) => {
  it("every call is answered alike, batches and details too", async () => {
    const redis = new Redis(inject("redisUrl"), { protocol });
    onTestFinished(() => redis.disconnect());
    const hello = new Map(pairs(await redis.call("HELLO")));
    expect(hello.get("proto")).toBe(protocol);
    const store = redisStore(redis, { prefix: ownPrefix() });
    const done = claimOf(newKey(), { origin: { coordinates: "orders/1/2" } });
    const held = claimOf(newKey(), { origin: { coordinates: "orders/1/3" } });
    expect(await store.claim([done, held])).toMatchObject([
      { status: "acquired", grant: 1, attempt: 1 },
      { status: "acquired", grant: 1, attempt: 1 },
    ]);
    expect(await store.start([heldOf(held)])).toEqual(["ok"]);
    expect(await store.renew([heldOf(held)])).toEqual(["ok"]);
    const result = Uint8Array.of(0, 255);
    expect(await store.complete([{ ...heldOf(done), result }])).toEqual(["ok"]);
    expect(await store.claim([claimOf(done.key), claimOf(held.key)])).toMatchObject([
      { status: "duplicate", origin: { coordinates: "orders/1/2" }, result },
      { status: "busy", origin: { coordinates: "orders/1/3" } },
    ]);
    expect(await store.release([{ ...heldOf(held), as: "failed" }])).toEqual(["ok"]);
    expect(await store.claim([claimOf(held.key)])).toMatchObject([
      { status: "reclaimed", attempt: 2, takeover: false },
    ]);
    expect(await store.remember([claimOf(newKey())])).toEqual([{ status: "new" }]);
    const seen = await store.inspect(done.key);
    expect(seen).toMatchObject({ state: "completed" });
    expect(await store.forget(done.key, seen)).toBe(true);
    expect(await store.check()).toContainEqual(expect.objectContaining({ severity: "warning" }));
  });
});

/** HELLO answers a flat list over RESP2 and a map over RESP3, which the client flattens or not. */
function pairs(answer: unknown): [string, unknown][] {
  if (answer instanceof Map) return [...answer];
  const flat = Array.isArray(answer) ? answer : Object.entries(Object(answer)).flat();
  const found: [string, unknown][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) found.push([String(flat[i]), flat[i + 1]]);
  return found;
}
