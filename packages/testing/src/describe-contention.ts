import type { Store } from "@onlyonce/core";
import { describe, expect } from "vitest";
import type { StoreTest, StoreUnderTest } from "./store-harness.js";
import { newDigest, only, TestKey, told } from "./test-key.js";

const CONTENDERS = 50;

/** One store per contender where the harness can open several, else the same one for all. */
async function contenders(subject: StoreUnderTest): Promise<readonly Store[]> {
  const peers = subject.peer === undefined ? [] : [await subject.peer(), await subject.peer()];
  const stores = [subject.store, ...peers];
  return Array.from(
    { length: CONTENDERS },
    (_, turn) => stores[turn % stores.length] ?? subject.store,
  );
}

/** Sends one claim per contender at once, each with a token of its own, and counts the replies by status. */
async function contend(
  subject: StoreUnderTest,
  key: TestKey,
  call: "claim" | "remember",
): Promise<Record<string, number>> {
  const stores = await contenders(subject);
  const replies = await Promise.all(
    stores.map(async (store, turn) => {
      const request = { ...key.request("other"), token: `contender.${turn}` };
      return only<{ readonly status: string }>(await store[call]([request]));
    }),
  );
  const counts: Record<string, number> = {};
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Many deliveries of one message at once. */
export function describeContention(test: StoreTest): void {
  describe.concurrent("contention", () => {
    test("behaviour 3: of 50 claims at once exactly one is granted", async (subject) => {
      const key = new TestKey(subject);
      expect(await contend(subject, key, "claim")).toEqual({ acquired: 1, busy: CONTENDERS - 1 });
    });

    test("behaviour 4: six copies of one message and two of another make two grants", async (subject) => {
      const [a, b] = [newDigest(), newDigest()];
      const claims = [a, a, b, a, a, b, a, a].map((digest, turn) => ({
        ...new TestKey(subject, digest).request("mine"),
        token: `copy.${turn}`,
      }));
      const replies = await Promise.all(claims.map((each) => subject.store.claim([each])));
      const statuses = replies.map((each) => only(each).status);
      expect(statuses.filter((status) => status === "acquired")).toHaveLength(2);
      expect(statuses.filter((status) => status === "busy")).toHaveLength(6);
    });

    test("behaviour 35: of 50 claims on a crashed owner's key exactly one takes over", async (subject) => {
      const key = new TestKey(subject);
      await key.takeAndLapse("mine");
      expect(await contend(subject, key, "claim")).toEqual({ reclaimed: 1, busy: CONTENDERS - 1 });
      expect(await key.state()).toBe("live claim of other, attempts 0");
    });

    test("of 50 claims on a released key exactly one is granted", async (subject) => {
      const key = new TestKey(subject);
      await key.release(await key.take("mine"), "failed");
      expect(await contend(subject, key, "claim")).toEqual({ reclaimed: 1, busy: CONTENDERS - 1 });
    });

    test("of 50 deliveries that only ask to remember exactly one is new", async (subject) => {
      const key = new TestKey(subject);
      const expected = { new: 1, duplicate: CONTENDERS - 1 };
      expect(await contend(subject, key, "remember")).toEqual(expected);
    });

    test("behaviour 37: a takeover never overwrites a completion, whichever comes first", async (subject) => {
      const keys = Array.from({ length: 20 }, () => new TestKey(subject));
      const late = await Promise.all(keys.map((key) => key.takeAndLapse("mine")));
      const seen = await Promise.all(
        keys.map(async (key, place) => {
          const held = late[place] ?? key.held("mine", 1);
          const claims = () => key.claim("other");
          const completes = () => key.complete(held);
          const [claimed, completed] =
            place % 2 === 0
              ? await Promise.all([claims(), completes()])
              : await Promise.all([completes(), claims()]).then(
                  ([answer, reply]) => [reply, answer] as const,
                );
          return `${claimed.status}, ${told(completed)}, ${await key.state()}`;
        }),
      );
      const consistent = [
        `duplicate, late, ${test.words("completed by mine")}`,
        `reclaimed, stolen, ${test.words("completed by mine")}`,
      ];
      expect(seen.filter((each) => !consistent.includes(each))).toEqual([]);
    });

    test("behaviours 31 to 33: who waits for a key is dropped when the owner completes, and runs when it fails", async (subject) => {
      const [completes, fails] = [new TestKey(subject), new TestKey(subject)];
      const [first, second] = [await completes.take("mine"), await fails.take("mine")];
      expect(told(await completes.claim("other"))).toBe("busy with mine");
      expect(told(await fails.claim("other"))).toBe("busy with mine");
      await completes.complete(first);
      await fails.release(second, "failed");
      expect(told(await completes.claim("other"))).toBe(test.words("duplicate of mine"));
      expect(told(await fails.claim("other"))).toBe(
        "reclaimed after a release from mine, grant 2, attempt 2",
      );
    });
  });
}
