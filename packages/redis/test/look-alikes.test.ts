import { describe, expect, test } from "vitest";
import { claimOf, heldOf, lab, newKey } from "./redis-lab.js";

describe("records that look alike", () => {
  test("a token that stands in the origin of somebody else's claim owns nothing", async () => {
    const { store } = lab();
    const other = claimOf(newKey(), { token: "other.1" });
    const owner = claimOf(other.key, {
      token: "owner.1",
      origin: { coordinates: "other.1" },
      fingerprint: "1",
    });
    await store.claim([owner]);
    expect(await store.release([{ ...other, as: "unstarted" }])).toEqual(["lost"]);
    expect(await store.renew([heldOf(other)])).toEqual(["lost"]);
    expect(await store.complete([{ ...owner, grant: 1 }])).toEqual(["ok"]);
  });

  test("a token that starts with another one's characters owns nothing of it", async () => {
    const { store } = lab();
    const owner = claimOf(newKey(), { token: "owner.12" });
    await store.claim([owner]);
    for (const token of ["owner.1", "owner.123", "wner.12"]) {
      expect(await store.renew([{ ...owner, token, grant: 1 }])).toEqual(["lost"]);
      expect(await store.release([{ ...owner, token, as: "unstarted" }])).toEqual(["lost"]);
    }
    expect(await store.renew([{ ...owner, grant: 11 }])).toEqual(["lost"]);
    expect(await store.renew([heldOf(owner)])).toEqual(["ok"]);
  });

  test("a record completed again by the same token is not the one that was seen before", async () => {
    const { store } = lab();
    for (const origin of [{}, { coordinates: "orders/1/2" }]) {
      const request = claimOf(newKey(), { origin, windowMs: 500_000 });
      await store.complete([request]);
      const seen = await store.inspect(request.key);
      expect(await store.forget(request.key, seen)).toBe(true);
      await store.complete([{ ...request, windowMs: 600_000 }]);
      expect(await store.forget(request.key, seen)).toBe(false);
      expect(await store.inspect(request.key)).toMatchObject({ state: "completed" });
    }
  });
});
