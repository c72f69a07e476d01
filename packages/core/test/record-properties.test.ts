import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLive, presentRecord, type StoredRecord } from "../src/record.js";
import { type AnyCall, calls, decide, NOW_MS, records, statusOf } from "./arbitrary-records.js";

const RUNS = { numRuns: 2_000 };

/** Replies that promise that nothing was changed. */
const REFUSALS = ["lost", "busy", "duplicate", "conflict", "stale"];

function frozen(record: StoredRecord | undefined): StoredRecord | undefined {
  if (record !== undefined) Object.freeze(record.origin);
  return Object.freeze(record);
}

describe("the record table, whatever record and whatever call", () => {
  const pairs = [records.map(frozen), calls] as const;

  it("never lets anybody but the owner change a live claim, except by recording that the work is done", () => {
    fc.assert(
      fc.property(...pairs, (record, call) => {
        fc.pre(record?.state === "claimed" && isLive(record, NOW_MS));
        fc.pre(presentRecord(record, NOW_MS) !== undefined);
        fc.pre(call.request.token !== record?.token && call.verb !== "complete");
        expect(decide(record, call, NOW_MS).record).toBe(record);
      }),
      RUNS,
    );
  });

  it("never changes a completed record before it expires", () => {
    fc.assert(
      fc.property(...pairs, (record, call) => {
        fc.pre(record?.state === "completed" && record.expiresAtMs > NOW_MS);
        expect(decide(record, call, NOW_MS).record).toBe(record);
      }),
      RUNS,
    );
  });

  it("changes nothing at all where it refuses", () => {
    fc.assert(
      fc.property(...pairs, (record, call) => {
        const decision = decide(record, call, NOW_MS);
        fc.pre(REFUSALS.includes(statusOf(decision.reply)));
        expect(decision.record).toBe(presentRecord(record, NOW_MS));
      }),
      RUNS,
    );
  });

  it("leaves the same record when a call is executed twice, and answers the owner the same", () => {
    fc.assert(
      fc.property(...pairs, (record, call) => {
        const once = decide(record, call, NOW_MS);
        const twice = decide(once.record, call, NOW_MS);
        expect(twice.record).toEqual(once.record);
        if (typeof once.reply !== "string" && once.reply.status === "reclaimed") {
          const { grant, attempt, suspect } = once.reply;
          expect(twice.reply).toEqual({ status: "acquired", grant, attempt, suspect });
        } else {
          expect(twice.reply).toEqual(once.reply === "restored" ? "ok" : once.reply);
        }
      }),
      RUNS,
    );
  });

  it("treats an expired record as absent", () => {
    fc.assert(
      fc.property(...pairs, (record, call) => {
        fc.pre(record !== undefined && record.expiresAtMs <= NOW_MS);
        expect(decide(record, call, NOW_MS)).toEqual(decide(undefined, call, NOW_MS));
      }),
      RUNS,
    );
  });

  it("keeps first sight and never lowers a grant as long as the record lives", () => {
    fc.assert(
      fc.property(...pairs, (record, call) => {
        const before = presentRecord(record, NOW_MS);
        const after = decide(record, call, NOW_MS).record;
        fc.pre(before !== undefined);
        expect(after?.firstSeenAtMs).toBe(before?.firstSeenAtMs);
        if (before === undefined || after === undefined) return;
        if (before.state === "completed" || after.state === "completed") return;
        expect(after.grant).toBeGreaterThanOrEqual(before.grant);
      }),
      RUNS,
    );
  });

  it("moves attempts by one at most, never below zero, and back to zero by a reset only", () => {
    fc.assert(
      fc.property(...pairs, (record, call) => {
        const before = presentRecord(record, NOW_MS);
        const { record: after } = decide(record, call, NOW_MS);
        fc.pre(before !== undefined && before.state !== "completed");
        fc.pre(after !== undefined && after.state !== "completed");
        const [from, to] = [attemptsOf(before), attemptsOf(after)];
        expect(to).toBeGreaterThanOrEqual(0);
        if (call.verb === "release" && call.as === "reset" && call.grant !== undefined) {
          expect([0, from]).toContain(to);
        } else {
          expect(Math.abs(to - from)).toBeLessThanOrEqual(1);
        }
      }),
      RUNS,
    );
  });

  it("grants a key to one delivery at a time, in any order of calls and any pace", () => {
    const steps = fc.array(fc.tuple(calls, fc.nat(30)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, (sequence) => {
        const holds = new Map<string, number>();
        let record: StoredRecord | undefined;
        let nowMs = NOW_MS;
        for (const [call, pauseMs] of sequence) {
          nowMs += pauseMs;
          const decision = decide(record, call, nowMs);
          record = decision.record;
          follow(holds, call, statusOf(decision.reply), nowMs);
          const owners = [...holds].filter(([, leaseUntilMs]) => leaseUntilMs > nowMs);
          expect(owners.length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

function attemptsOf(record: StoredRecord | undefined): number {
  return record === undefined || record.state === "completed" ? 0 : record.attempts;
}

/** Who believes to hold the key, and until when, going by the replies alone. */
function follow(holds: Map<string, number>, call: AnyCall, status: string, nowMs: number): void {
  const { token, leaseMs } = call.request;
  switch (`${call.verb} ${status}`) {
    case "claim acquired":
    case "claim reclaimed":
    case "start ok":
    case "renew ok":
    case "renew restored":
      holds.set(token, nowMs + leaseMs);
      break;
    case "release ok":
    case "remember new":
      holds.delete(token);
      break;
    case "complete stolen":
    case "complete ok":
    case "complete late":
    case "complete vanished":
      // The work is done: nobody who still runs can be granted, or keep, the key.
      holds.clear();
      break;
  }
}
