import type { Verdict } from "@onlyonce/core/adapter";
import { describe, expect, it } from "vitest";
import { type Action, actionFor, type SettlementRules } from "../src/settlement.js";

const byDefault: SettlementRules = { onFailure: "pause", retryDelayMs: undefined };
const first = { storeFailures: 1, random: 0 };
const failure = new TypeError("no such account");

const failed: Verdict = {
  outcome: "failed",
  settlement: "retry",
  reason: "failed",
  error: failure,
  attempt: 1,
};
const store: Verdict = { outcome: "store_error", settlement: "retry", reason: "store" };
const busy: Verdict = { outcome: "busy", settlement: "retry", reason: "busy", retryAfterMs: 300 };

describe("what becomes of a record", () => {
  it.each<[string, Verdict, Action]>([
    ["processed", { outcome: "processed", settlement: "ack" }, { kind: "resolve" }],
    [
      "processed but not recorded",
      { outcome: "processed", detail: "unrecorded", settlement: "ack" },
      { kind: "resolve" },
    ],
    ["claim lost", { outcome: "claim_lost", settlement: "ack" }, { kind: "resolve" }],
    ["a duplicate", { outcome: "duplicate", settlement: "ack", origin: {} }, { kind: "resolve" }],
    ["unprotected", { outcome: "unprotected", settlement: "ack" }, { kind: "resolve" }],
    [
      "dead-lettered",
      { outcome: "failed", detail: "poison", settlement: "ack" },
      { kind: "resolve" },
    ],
    ["returned", { outcome: undefined, settlement: "return" }, { kind: "leave" }],
    ["busy", busy, { kind: "pause", delayMs: 301 }],
    [
      "busy under a long lease",
      { ...busy, retryAfterMs: 600_000 },
      { kind: "pause", delayMs: 5_001 },
    ],
    ["failed", failed, { kind: "pause", delayMs: 1_000 }],
    ["failed for the fourth time", { ...failed, attempt: 4 }, { kind: "pause", delayMs: 8_000 }],
    [
      "failed and asking for more time",
      { ...failed, retryAfterMs: 45_000 },
      { kind: "pause", delayMs: 45_000 },
    ],
    ["not claimable", store, { kind: "pause", delayMs: 1_000 }],
    [
      "poison without a target",
      { outcome: "failed", settlement: "retry", reason: "poison", error: failure },
      { kind: "pause", delayMs: 30_000 },
    ],
    [
      "a conflict without a target",
      { outcome: "conflict", settlement: "retry", reason: "conflict" },
      { kind: "pause", delayMs: 30_000 },
    ],
    [
      "rejected to an exchange that Kafka has not",
      { outcome: "failed", settlement: "reject" },
      { kind: "pause", delayMs: 30_000 },
    ],
    [
      "handed back without a reason",
      { outcome: "failed", settlement: "retry" },
      { kind: "pause", delayMs: 1_000 },
    ],
  ])("that is %s", (_, verdict, action) => {
    expect(actionFor(verdict, byDefault, first)).toEqual(action);
  });

  it("backs off further with every time in a row that the store cannot be reached", () => {
    const delays = [1, 2, 3, 9].map((storeFailures) =>
      actionFor(store, byDefault, { storeFailures, random: 0 }),
    );
    expect(delays).toEqual(
      [1_000, 2_000, 4_000, 30_000].map((delayMs) => ({ kind: "pause", delayMs })),
    );
  });
});

describe("onFailure: rethrow", () => {
  const rethrow: SettlementRules = { ...byDefault, onFailure: "rethrow" };

  it("gives the handler's own error to the client", () => {
    const action = actionFor(failed, rethrow, first);
    expect(action).toEqual({ kind: "rethrow", error: failure });
    expect(action.kind === "rethrow" && action.error).toBe(failure);
  });

  it.each([
    ["busy", busy],
    ["store", store],
  ])("keeps to pauses for what is not the handler's failure: %s", (_, verdict) => {
    expect(actionFor(verdict, rethrow, first).kind).toBe("pause");
  });

  it.each([[undefined], [null]])(
    "keeps to pauses when the handler threw %s, which a client cannot take",
    (error) => {
      expect(actionFor({ ...failed, error }, rethrow, first).kind).toBe("pause");
    },
  );
});

describe("retryDelayMs", () => {
  const rules = (retryDelayMs: (attempt: number) => number): SettlementRules => ({
    ...byDefault,
    retryDelayMs,
  });

  it("decides for failures and for a store that is down, and is told how often", () => {
    const byAttempt = rules((attempt) => attempt * 7);
    expect(actionFor({ ...failed, attempt: 3 }, byAttempt, first)).toEqual({
      kind: "pause",
      delayMs: 21,
    });
    expect(actionFor(store, byAttempt, { storeFailures: 5, random: 0 })).toEqual({
      kind: "pause",
      delayMs: 35,
    });
  });

  it("does not shorten the longest back-off of what time will not mend", () => {
    const poison: Verdict = { outcome: "failed", settlement: "retry", reason: "poison" };
    expect(
      actionFor(
        poison,
        rules(() => 1),
        first,
      ),
    ).toEqual({ kind: "pause", delayMs: 30_000 });
  });

  it("may say that there is no back-off", () => {
    expect(
      actionFor(
        failed,
        rules(() => 0),
        first,
      ),
    ).toEqual({ kind: "pause", delayMs: 0 });
  });

  it("is cut to what a timer can express", () => {
    expect(
      actionFor(
        failed,
        rules(() => 1e12),
        first,
      ),
    ).toEqual({ kind: "pause", delayMs: 2_147_483_647 });
  });

  it.each<[string, (attempt: number) => unknown]>([
    ["NaN", () => Number.NaN],
    ["a negative number", () => -1],
    ["text", () => "5"],
    ["nothing", () => undefined],
    [
      "a throw",
      () => {
        throw new RangeError("no");
      },
    ],
  ])("gives way to the default where its answer is %s", (_, retryDelayMs) => {
    const action = actionFor(failed, rules(retryDelayMs as (attempt: number) => number), first);
    expect(action).toEqual({ kind: "pause", delayMs: 1_000 });
  });
});
