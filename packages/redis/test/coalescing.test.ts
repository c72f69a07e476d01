import { describe, expect, test } from "vitest";
import { claimScript, completeScript } from "../src/generated/scripts.js";
import { CountingCommands, claimOf, client, heldOf, lab, newKey, newKeys } from "./redis-lab.js";

function counted(options: Parameters<typeof lab>[0] = {}) {
  const commands = new CountingCommands(client());
  const { store } = lab(options, commands);
  return { store, calls: commands.calls };
}

describe("coalescing", () => {
  test("64 concurrent claims of one key each travel in one script call, and so do their completions", async () => {
    const { store, calls } = counted();
    const requests = newKeys(64).map((key) => claimOf(key));
    await Promise.all(requests.map((request) => store.claim([request])));
    expect(calls.map(({ script, keys }) => [script, keys.length])).toEqual([
      [claimScript.sha1, 64],
    ]);
    await Promise.all(requests.map((request) => store.complete([heldOf(request)])));
    expect(calls.slice(1).map(({ script, keys }) => [script, keys.length])).toEqual([
      [completeScript.sha1, 64],
    ]);
  });

  test("the reply of a large call is dealt out in portions, so that the server does not wait for all handlers", async () => {
    const { store, calls } = counted();
    const requests = newKeys(100).map((key) => claimOf(key));
    const answers = await Promise.all(
      requests.map(async (request) => {
        await store.claim([request]);
        return store.complete([heldOf(request)]);
      }),
    );
    expect(new Set(answers.flat())).toEqual(new Set(["ok"]));
    expect(calls.map(({ keys }) => keys.length)).toEqual([100, 32, 32, 32, 4]);
  });

  test("round trips: a new message takes two, a duplicate one, a batch two", async () => {
    const { store, calls } = counted();
    const request = claimOf(newKey());
    await store.claim([request]);
    await store.complete([heldOf(request)]);
    expect(calls).toHaveLength(2);
    await store.claim([claimOf(request.key)]);
    expect(calls).toHaveLength(3);
    const batch = newKeys(100).map((key) => claimOf(key));
    await store.claim(batch);
    await store.complete(batch.map((one) => heldOf(one)));
    expect(calls).toHaveLength(5);
  });

  test("calls asked for from different promises of one turn travel together", async () => {
    const { store, calls } = counted();
    const later = async (hops: number) => {
      for (let hop = 0; hop < hops; hop += 1) await undefined;
      return store.claim([claimOf(newKey())]);
    };
    await Promise.all([later(0), later(1), later(5), later(20)]);
    expect(calls).toHaveLength(1);
  });

  test("completions leave before claims", async () => {
    const { store, calls } = counted();
    const held = claimOf(newKey());
    await store.claim([held]);
    await Promise.all([store.claim([claimOf(newKey())]), store.complete([heldOf(held)])]);
    expect(calls.map(({ script }) => script)).toEqual([
      claimScript.sha1,
      completeScript.sha1,
      claimScript.sha1,
    ]);
  });

  test("a large batch is cut into calls of maxKeysPerCall, at most maxCallsInFlight at once", async () => {
    const { store, calls } = counted({ maxKeysPerCall: 10, maxCallsInFlight: 2 });
    const requests = newKeys(95).map((key) => claimOf(key));
    const reply = store.claim(requests);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(calls).toHaveLength(2);
    expect(new Set((await reply).map(({ status }) => status))).toEqual(new Set(["acquired"]));
    expect(calls.map(({ keys }) => keys.length)).toEqual([...Array(9).fill(10), 5]);
  });

  test("as many keys as may be configured fit into one call", async () => {
    const { store, calls } = counted({ maxKeysPerCall: 1000, commandTimeoutMs: 10_000 });
    const requests = newKeys(1000).map((key) => claimOf(key, { windowMs: 10_000 }));
    const replies = await store.claim(requests);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set(["acquired"]));
    expect(calls).toHaveLength(1);
  });

  test("equal keys never travel in one call, and are executed in the order in which they were asked for", async () => {
    const { store, calls } = counted();
    const [hot, cold] = [newKey(), newKey()];
    const requests = [claimOf(hot), claimOf(hot), claimOf(cold), claimOf(hot)];
    const replies = await store.claim(requests);
    expect(replies.map(({ status }) => status)).toEqual(["acquired", "busy", "acquired", "busy"]);
    for (const { keys } of calls) expect(new Set(keys).size).toBe(keys.length);
    expect(calls.map(({ keys }) => keys.length)).toEqual([2, 1, 1]);
  });

  test("many keys, some of them asked for often, each get their own replies", async () => {
    const { store } = counted({ maxKeysPerCall: 16 });
    const keys = newKeys(300);
    const requests = keys.flatMap((key, i) =>
      Array.from({ length: 1 + (i % 3) }, () => claimOf(key)),
    );
    const replies = await Promise.all(
      requests.map(async (request) => ({ request, reply: (await store.claim([request]))[0] })),
    );
    for (const key of keys) {
      const own = replies.filter(({ request }) => request.key === key);
      const [first, ...others] = own.map(({ reply }) => reply?.status);
      expect(first).toBe("acquired");
      expect(others).toEqual(others.map(() => "busy"));
    }
  });

  test("leases and windows differ within one call", async () => {
    const { redis, store, recordKey } = lab();
    const requests = [1000, 2000, 2000, 500].map((ms) =>
      claimOf(newKey(), { leaseMs: ms, windowMs: ms * 100 }),
    );
    await Promise.all(requests.map((request) => store.claim([request])));
    for (const { key, leaseMs, windowMs } of requests) {
      expect(Math.ceil((await redis.pttl(recordKey(key))) / 1000) * 1000).toBe(windowMs);
      const [reply] = await store.claim([claimOf(key)]);
      const leaseLeftMs = reply?.status === "busy" ? reply.leaseLeftMs : -1;
      expect(leaseLeftMs).toBeGreaterThan(leaseMs - 500);
      expect(leaseLeftMs).toBeLessThanOrEqual(leaseMs);
    }
  });

  test("a request that can't be sent fails alone and leaves the others of its turn", async () => {
    const { store } = lab();
    const good = store.claim([claimOf(newKey())]);
    await expect(store.claim([claimOf("too short")])).rejects.toThrow("22 base64url characters");
    await expect(store.claim([claimOf(`${newKey().slice(0, 20)}{}`)])).rejects.toThrow(TypeError);
    await expect(store.claim([claimOf(newKey(), { token: "a b" })])).rejects.toThrow("owner token");
    await expect(store.claim([claimOf(newKey(), { token: "" })])).rejects.toThrow("owner token");
    expect(await good).toMatchObject([{ status: "acquired" }]);
    expect(await store.claim([])).toEqual([]);
  });
});
