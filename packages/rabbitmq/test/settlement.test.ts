import type { Verdict } from "@onlyonce/core/adapter";
import { describe, expect, it } from "vitest";
import { type Action, actionFor, awayMs, type Circumstances } from "../src/settlement.js";

const CALM: Circumstances = {
  deliveryCount: 0,
  deliveryLimit: 20,
  isStream: false,
  round: 0,
  retries: 0,
  comesBack: false,
  holdLeftMs: 1_710_000,
  random: 0,
  retryDelayMs: (attempt) => attempt * 100,
};

type Row = readonly [name: string, verdict: Verdict, now: Partial<Circumstances>, action: Action];

function holds(rows: readonly Row[]): void {
  it.each(rows)("%s", (_, verdict, now, action) => {
    expect(actionFor(verdict, { ...CALM, ...now })).toEqual(action);
  });
}

const failed: Verdict = { outcome: "failed", settlement: "retry", reason: "failed", attempt: 3 };
const busy: Verdict = { outcome: "busy", settlement: "retry", reason: "busy" };
const store: Verdict = { outcome: "store_error", settlement: "retry", reason: "store" };
const poison: Verdict = { outcome: "failed", settlement: "retry", reason: "poison", attempt: 10 };
const conflict: Verdict = { outcome: "conflict", settlement: "retry", reason: "conflict" };
const unprotected: Verdict = {
  outcome: "unprotected",
  detail: "key_missing",
  settlement: "retry",
  reason: "failed",
  attempt: 1,
};

describe("what is finished is settled at once", () => {
  holds([
    ["processed", { outcome: "processed", settlement: "ack" }, {}, { kind: "ack" }],
    [
      "processed, not recorded",
      { outcome: "processed", detail: "unrecorded", settlement: "ack" },
      {},
      { kind: "ack" },
    ],
    ["duplicate", { outcome: "duplicate", settlement: "ack" }, {}, { kind: "ack" }],
    ["claim lost", { outcome: "claim_lost", settlement: "ack" }, {}, { kind: "ack" }],
    ["unprotected", { outcome: "unprotected", settlement: "ack" }, {}, { kind: "ack" }],
    [
      "poison that somebody has published",
      { outcome: "failed", detail: "poison", settlement: "ack" },
      {},
      { kind: "ack" },
    ],
    [
      "poison for the dead-letter exchange",
      { outcome: "failed", detail: "poison", settlement: "reject" },
      {},
      { kind: "reject" },
    ],
    ["returned untouched", { outcome: undefined, settlement: "return" }, {}, { kind: "leave" }],
  ]);
});

describe("what is not finished rests first, and is then handed back", () => {
  holds([
    ["failed", failed, {}, { kind: "requeue", delayMs: 300 }],
    ["failed, not before", { ...failed, retryAfterMs: 700 }, {}, { kind: "requeue", delayMs: 700 }],
    [
      "no reason given",
      { outcome: "failed", settlement: "retry" },
      {},
      { kind: "requeue", delayMs: 100 },
    ],
    ["busy", busy, {}, { kind: "requeue", delayMs: 1_000 }],
    ["busy, by chance", busy, { random: 0.5 }, { kind: "requeue", delayMs: 1_100 }],
    [
      "busy, not before",
      { ...busy, retryAfterMs: 20_000 },
      {},
      { kind: "requeue", delayMs: 20_000 },
    ],
  ]);
});

describe("without a claim the broker counts the attempts", () => {
  holds([
    ["first delivery", unprotected, {}, { kind: "requeue", delayMs: 100 }],
    ["fifth delivery", unprotected, { deliveryCount: 4 }, { kind: "requeue", delayMs: 500 }],
    [
      "shadowed",
      { outcome: "duplicate", detail: "shadow", settlement: "retry", reason: "failed", attempt: 1 },
      { deliveryCount: 4 },
      { kind: "requeue", delayMs: 500 },
    ],
    [
      "with a claim, the claim does",
      failed,
      { deliveryCount: 9 },
      { kind: "requeue", delayMs: 300 },
    ],
  ]);
});

describe("what handing back cannot mend is kept in place", () => {
  holds([
    ["store down", store, {}, { kind: "again", delayMs: 100 }],
    ["store down for long", store, { round: 6 }, { kind: "again", delayMs: 700 }],
    ["poison without a target", poison, {}, { kind: "again", delayMs: 30_000 }],
    ["conflict without a target", conflict, {}, { kind: "again", delayMs: 30_000 }],
  ]);
});

describe("near the delivery limit nothing is handed back that can still be held", () => {
  holds([
    ["failed, just below", failed, { deliveryCount: 14 }, { kind: "requeue", delayMs: 300 }],
    ["failed", failed, { deliveryCount: 15 }, { kind: "again", delayMs: 300 }],
    ["failed, at the limit", failed, { deliveryCount: 20 }, { kind: "again", delayMs: 300 }],
    ["busy", busy, { deliveryCount: 15 }, { kind: "again", delayMs: 1_000 }],
    [
      "unprotected",
      unprotected,
      { deliveryCount: 15, round: 1 },
      { kind: "again", delayMs: 1_700 },
    ],
    [
      "a lower limit",
      busy,
      { deliveryCount: 3, deliveryLimit: 4 },
      { kind: "again", delayMs: 1_000 },
    ],
  ]);
});

describe("when the ACK timeout comes near, the message is handed back", () => {
  holds([
    ["store down", store, { holdLeftMs: 50 }, { kind: "requeue", delayMs: 100 }],
    ["poison", poison, { holdLeftMs: 20_000 }, { kind: "requeue", delayMs: 20_000 }],
    ["conflict", conflict, { holdLeftMs: -5 }, { kind: "requeue", delayMs: 1_000 }],
    [
      "near the limit",
      busy,
      { deliveryCount: 19, holdLeftMs: 900 },
      { kind: "requeue", delayMs: 1_000 },
    ],
    [
      "after a long back-off, cut to what is left",
      { ...failed, retryAfterMs: 3_600_000 },
      { holdLeftMs: 5_000 },
      { kind: "requeue", delayMs: 5_000 },
    ],
  ]);
});

describe("a stream cannot take a message back, so it is never handed back", () => {
  holds([
    ["failed", failed, { isStream: true }, { kind: "again", delayMs: 300 }],
    ["busy", busy, { isStream: true }, { kind: "again", delayMs: 1_000 }],
    ["store down", store, { isStream: true, holdLeftMs: -1 }, { kind: "again", delayMs: 100 }],
    ["poison", poison, { isStream: true, holdLeftMs: -1 }, { kind: "again", delayMs: 1_000 }],
    ["processed", { outcome: "processed", settlement: "ack" }, { isStream: true }, { kind: "ack" }],
  ]);
});

describe("where what is rejected comes back by itself", () => {
  const now = { comesBack: true };
  holds([
    ["failed", failed, now, { kind: "reject" }],
    ["failed, near the delivery limit", failed, { ...now, deliveryCount: 19 }, { kind: "reject" }],
    ["busy", busy, now, { kind: "reject" }],
    ["unprotected", unprotected, now, { kind: "reject" }],
    ["store down: stays", store, now, { kind: "again", delayMs: 100 }],
    ["poison without a target: stays", poison, now, { kind: "again", delayMs: 30_000 }],
    ["conflict: stays", conflict, now, { kind: "again", delayMs: 30_000 }],
    [
      "failed on a stream: stays",
      failed,
      { ...now, isStream: true },
      { kind: "again", delayMs: 300 },
    ],
    ["processed", { outcome: "duplicate", settlement: "ack" }, now, { kind: "ack" }],
  ]);
});

describe("where there is a retry exchange, rests are spent there", () => {
  it.each<readonly [string, Verdict, Partial<Circumstances>, number | undefined]>([
    ["failed: the back-off", failed, {}, 300],
    [
      "failed, near the delivery limit: a copy has a count of its own",
      failed,
      { deliveryCount: 19 },
      300,
    ],
    ["failed with hardly any hold left: the rest is not cut", failed, { holdLeftMs: 5 }, 300],
    ["busy: at least a second", busy, {}, 1_000],
    ["busy: as long as the lease", { ...busy, retryAfterMs: 9_000 }, {}, 9_000],
    ["poison without a target: the longest back-off", poison, {}, 30_000],
    ["conflict without a target: the longest back-off", conflict, {}, 30_000],
    ["unprotected: counted by the copies", unprotected, { retries: 4 }, 500],
    ["store: waited out here", store, {}, undefined],
    ["store, once the hold is over", store, { holdLeftMs: 50 }, 100],
    ["failed on a stream: it takes nothing back", failed, { isStream: true }, undefined],
    ["processed", { outcome: "processed", settlement: "ack" }, {}, undefined],
    ["returned untouched", { outcome: undefined, settlement: "return" }, {}, undefined],
  ])("%s", (_, verdict, now, delayMs) => {
    expect(awayMs(verdict, { ...CALM, ...now })).toBe(delayMs);
  });
});
