import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredRecord } from "../src/record.js";
import { type Entry, ExpiryQueue } from "../src/record-expiry.js";

function recordUntil(expiresAtMs: number): StoredRecord {
  return {
    state: "completed",
    token: "T",
    origin: {},
    firstSeenAtMs: 0,
    completedAtMs: 0,
    answer: "ok",
    expiresAtMs,
  };
}

function entryUntil(key: string, expiresAtMs: number): Entry {
  return { key, record: recordUntil(expiresAtMs), dueAtMs: 0, place: 0 };
}

function keysOf(entries: readonly Entry[]): string[] {
  return entries.map((entry) => entry.key);
}

describe("ExpiryQueue", () => {
  it("takes out what has expired, soonest first, and nothing that lives", () => {
    const queue = new ExpiryQueue();
    for (const [key, expiresAtMs] of [
      ["c", 30],
      ["a", 10],
      ["d", 31],
      ["b", 20],
    ] as const) {
      queue.add(entryUntil(key, expiresAtMs));
    }
    expect(queue.isDue(9)).toBe(false);
    expect(keysOf(queue.takeExpired(30, 100))).toEqual(["a", "b", "c"]);
    expect(queue.isDue(30)).toBe(false);
    expect(keysOf(queue.takeExpired(31, 100))).toEqual(["d"]);
  });

  it("looks at no more entries than it may", () => {
    const queue = new ExpiryQueue();
    for (let count = 0; count < 10; count += 1) queue.add(entryUntil(`${count}`, 5));
    expect(queue.takeExpired(5, 3)).toHaveLength(3);
    expect(queue.takeExpired(5, 100)).toHaveLength(7);
  });

  it("agrees with a plain list on what has expired, whatever is added, prolonged, shortened and removed", () => {
    const step = fc.record({
      what: fc.constantFrom("add", "change", "remove", "pass"),
      which: fc.nat(20),
      ms: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = new ExpiryQueue();
        const entries = new Map<string, Entry>();
        let nowMs = 0;
        for (const { what, which, ms } of steps) {
          const key = `${which}`;
          const entry = entries.get(key);
          if (what === "add" && entry === undefined) {
            const added = entryUntil(key, nowMs + ms);
            entries.set(key, added);
            queue.add(added);
          } else if (what === "change" && entry !== undefined) {
            entry.record = recordUntil(nowMs + ms);
            queue.update(entry);
          } else if (what === "remove" && entry !== undefined) {
            queue.remove(entry);
            entries.delete(key);
          } else if (what === "pass") {
            nowMs += ms;
            const expected = [...entries.values()].filter(
              (each) => each.record.expiresAtMs <= nowMs,
            );
            const taken = queue.takeExpired(nowMs, 1_000);
            expect(keysOf(taken).sort()).toEqual(keysOf(expected).sort());
            for (const each of taken) entries.delete(each.key);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
