import { describe, expect } from "vitest";
import type { StoreTest } from "./store-harness.js";
import { newDigest, TestKey, told } from "./test-key.js";

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** One key per character, differing there only: a digest may begin with any, and servers place keys by it. */
function keysDifferingAt(place: number): string[] {
  const digest = newDigest();
  return [...BASE64URL].map((letter) => digest.slice(0, place) + letter + digest.slice(place + 1));
}

/** Keys that differ, however little, have nothing to do with each other; batches keep their order. */
export function describeIsolation(test: StoreTest): void {
  describe.concurrent("keys", () => {
    for (const [where, place] of [
      ["first", 0],
      ["second", 1],
      ["last", 21],
    ] as const) {
      test(`behaviours 8 to 11: keys that differ in their ${where} character only never meet`, async (subject) => {
        const keys = keysDifferingAt(place).map((digest) => new TestKey(subject, digest));
        const claims = keys.map((key) =>
          key.request("mine", { origin: { coordinates: key.digest } }),
        );
        const replies = await subject.store.claim(claims);
        expect(replies.map(told)).toEqual(keys.map(() => "acquired, grant 1, attempt 1"));
        const even = claims.filter((_, turn) => turn % 2 === 0);
        await subject.store.complete(even.map((each) => ({ ...each, grant: 1 })));
        const again = await subject.store.claim(keys.map((key) => key.request("other")));
        expect(again.map(told)).toEqual(
          keys.map(({ digest }, turn) =>
            turn % 2 === 0 ? test.words(`duplicate of ${digest}`) : `busy with ${digest}`,
          ),
        );
      });
    }

    test("a batch of 1000 keys is answered key by key, in the order of the requests", async (subject) => {
      const keys = Array.from({ length: 1000 }, () => new TestKey(subject));
      const claims = keys.map((key) =>
        key.request("mine", { origin: { coordinates: key.digest } }),
      );
      await subject.store.claim(claims);
      await subject.store.complete(claims.map((each) => ({ ...each, grant: 1 })));
      const fresh = Array.from({ length: 1000 }, () => new TestKey(subject));
      const mixed = keys.flatMap((key, turn) => {
        const other = fresh[turn];
        return other === undefined ? [key] : [key, other];
      });
      const replies = await subject.store.claim(mixed.map((key) => key.request("other")));
      expect(replies.map(told)).toEqual(
        keys.flatMap(({ digest }) => [
          test.words(`duplicate of ${digest}`),
          "acquired, grant 1, attempt 1",
        ]),
      );
    });

    test("requests of one batch keep their own lease and window", async (subject) => {
      const keys = [1, 2, 3].map(() => new TestKey(subject));
      const [first, second, third] = keys;
      const claims = [
        first?.request("mine", { leaseMs: 10_000, windowMs: 100_000 }),
        second?.request("mine", { leaseMs: 20_000, windowMs: 200_000 }),
        third?.request("mine", { leaseMs: 10_000, windowMs: 300_000 }),
      ].filter((each) => each !== undefined);
      await subject.store.claim(claims);
      const replies = await subject.store.claim(keys.map((key) => key.request("other")));
      const leases = replies.map((reply) => reply.status === "busy" && reply.leaseLeftMs);
      const windows = await Promise.all(keys.map((key) => key.expiresInMs()));
      expect(leases.map((left) => Math.ceil(Number(left) / 10_000))).toEqual([1, 2, 1]);
      expect(windows.map((left) => Math.ceil(left / 100_000))).toEqual([1, 2, 3]);
    });

    test("a batch of nothing is answered with nothing", async (subject) => {
      const { store } = subject;
      expect(await store.claim([])).toEqual([]);
      expect(await store.remember([])).toEqual([]);
      expect(await store.start([])).toEqual([]);
      expect(await store.renew([])).toEqual([]);
      expect(await store.complete([])).toEqual([]);
      expect(await store.release([])).toEqual([]);
    });

    test("two deliveries of one key in one batch compete as they would apart", async (subject) => {
      const key = new TestKey(subject);
      const claims = [key.request("mine"), key.request("other"), key.request("mine")];
      expect((await subject.store.claim(claims)).map(told)).toEqual([
        "acquired, grant 1, attempt 1",
        "busy with mine",
        "acquired, grant 1, attempt 1",
      ]);
    });
  });
}
