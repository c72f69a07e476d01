import type { Finding } from "@onlyonce/core";
import { describe, expect } from "vitest";
import { corrupt, type StoreTest } from "./store-harness.js";
import { TestKey, told } from "./test-key.js";

/** Records that are damaged, or that a later version wrote during a rolling deployment. */
export function describeDamage(test: StoreTest): void {
  describe.concurrent("damaged records", () => {
    test("behaviour 60: a malformed record counts as absent, is replaced, and is reported", async (subject) => {
      const key = new TestKey(subject);
      const findings: Finding[] = [];
      const unsubscribe = subject.store.onFinding((finding) => findings.push(finding));
      await key.complete(await key.take("mine"));
      await corrupt(subject, key.digest, "malformed");
      expect(told(await key.claim("other"))).toBe("acquired, grant 1, attempt 1");
      expect(await key.complete(key.held("other", 1))).toBe("ok");
      expect(findings.length).toBeGreaterThan(0);
      unsubscribe();
      const before = findings.length;
      await corrupt(subject, key.digest, "malformed");
      await key.claim("other");
      expect(findings).toHaveLength(before);
    });

    test("a malformed record does not disturb the others of its batch", async (subject) => {
      const keys = Array.from({ length: 8 }, () => new TestKey(subject));
      for (const key of keys) await key.complete(await key.take("mine"));
      for (const key of keys.slice(2, 4)) await corrupt(subject, key.digest, "malformed");
      const replies = await subject.store.claim(keys.map((key) => key.request("other")));
      expect(replies.map(told)).toEqual(
        keys.map((_, turn) =>
          turn === 2 || turn === 3
            ? "acquired, grant 1, attempt 1"
            : test.words("duplicate of mine"),
        ),
      );
    });

    test("behaviour 61: what a later version completed is a duplicate", async (subject) => {
      const key = new TestKey(subject);
      await key.complete(await key.take("mine"));
      await corrupt(subject, key.digest, "newer");
      expect((await key.claim("other")).status).toBe("duplicate");
      expect((await key.remember("other")).status).toBe("duplicate");
      expect((await subject.store.inspect(key.digest))?.state).toBe("completed");
    });

    test("behaviour 61: what a later version claimed or released can't be read: every call fails closed and changes nothing", async (subject) => {
      const [claimed, failed] = [new TestKey(subject), new TestKey(subject)];
      const first = await claimed.take("mine");
      const second = await failed.take("mine");
      await failed.release(second, "failed");
      const { store } = subject;
      for (const [key, held, state] of [
        [claimed, first, "claimed"],
        [failed, second, "failed"],
      ] as const) {
        await corrupt(subject, key.digest, "newer");
        const replies = [
          await key.claim("other"),
          await key.claim("mine"),
          await key.remember("other"),
          await key.start(held),
          await key.renew(held),
          await key.complete(held),
          await key.release(held, "failed"),
        ];
        expect(replies.map(told)).toEqual(replies.map(() => "error"));
        expect((await store.inspect(key.digest))?.state).toBe(state);
      }
    });

    test("a record of a later version fails for itself only, not for its batch", async (subject) => {
      const [newer, fresh] = [new TestKey(subject), new TestKey(subject)];
      await newer.take("mine");
      await corrupt(subject, newer.digest, "newer");
      const replies = await subject.store.claim([newer.request("other"), fresh.request("other")]);
      expect(replies.map(told)).toEqual(["error", "acquired, grant 1, attempt 1"]);
    });
  });
}
