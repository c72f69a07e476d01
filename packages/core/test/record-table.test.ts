import { describe, expect, it } from "vitest";
import type { ClaimedRecord, CompletedRecord, FailedRecord, StoredRecord } from "../src/record.js";
import * as table from "../src/record-table.js";
import type { Held } from "../src/store.js";
import { decide, statusOf } from "./arbitrary-records.js";

const NOW_MS = 1_000_000;
const LEASE_MS = 30_000;
const WINDOW_MS = 86_400_000;

const mine: Held = {
  key: "k",
  token: "T",
  grant: 2,
  leaseMs: LEASE_MS,
  windowMs: WINDOW_MS,
  origin: { traceparent: "00-trace-T", coordinates: "at T", ageMs: 77 },
  fingerprint: "f",
};

function claimedBy(token: string, fields: Partial<ClaimedRecord> = {}): ClaimedRecord {
  return {
    state: "claimed",
    token,
    grant: 2,
    attempts: 1,
    suspect: false,
    started: false,
    origin: { coordinates: `at ${token}` },
    firstSeenAtMs: NOW_MS - 5_000,
    leaseUntilMs: NOW_MS + 1,
    expiresAtMs: NOW_MS + 60_000,
    ...fields,
  };
}

function failedBy(token: string): FailedRecord {
  const { started: _, leaseUntilMs: __, ...rest } = claimedBy(token);
  return { ...rest, state: "failed" };
}

function completedBy(token: string, fields: Partial<CompletedRecord> = {}): CompletedRecord {
  return {
    state: "completed",
    token,
    origin: { coordinates: `at ${token}` },
    firstSeenAtMs: NOW_MS - 5_000,
    completedAtMs: NOW_MS - 2_000,
    expiresAtMs: NOW_MS + 60_000,
    answer: "ok",
    ...fields,
  };
}

const lapsed = { leaseUntilMs: NOW_MS };

/** Replies to claim, remember, start, renew, complete and release (as failed) by T with grant 2. */
const REPLIES: readonly (readonly [string, StoredRecord | undefined, readonly string[]])[] = [
  ["absent", undefined, ["acquired", "new", "lost", "restored", "vanished", "lost"]],
  [
    "expired",
    claimedBy("U", { expiresAtMs: NOW_MS }),
    ["acquired", "new", "lost", "restored", "vanished", "lost"],
  ],
  ["claimed by T, live", claimedBy("T"), ["acquired", "new", "ok", "ok", "ok", "ok"]],
  ["claimed by T, lapsed", claimedBy("T", lapsed), ["acquired", "new", "ok", "ok", "late", "ok"]],
  [
    "claimed by T, later grant",
    claimedBy("T", { grant: 4 }),
    ["acquired", "new", "lost", "lost", "stolen", "lost"],
  ],
  [
    "claimed by T, later grant, lapsed",
    claimedBy("T", { grant: 4, ...lapsed }),
    ["acquired", "new", "lost", "lost", "stolen", "lost"],
  ],
  ["claimed by U, live", claimedBy("U"), ["busy", "duplicate", "lost", "lost", "stolen", "lost"]],
  [
    "claimed by U, lapsed",
    claimedBy("U", lapsed),
    ["reclaimed", "new", "lost", "lost", "stolen", "lost"],
  ],
  ["failed, last token T", failedBy("T"), ["stale", "new", "lost", "lost", "late", "ok"]],
  ["failed, last token U", failedBy("U"), ["reclaimed", "new", "lost", "lost", "stolen", "lost"]],
  ["completed by T", completedBy("T"), ["duplicate", "new", "lost", "lost", "ok", "lost"]],
  [
    "completed by T as late",
    completedBy("T", { answer: "late" }),
    ["duplicate", "new", "lost", "lost", "late", "lost"],
  ],
  [
    "completed by T as vanished",
    completedBy("T", { answer: "vanished" }),
    ["duplicate", "new", "lost", "lost", "vanished", "lost"],
  ],
  [
    "completed by T as stolen",
    completedBy("T", { answer: "stolen" }),
    ["duplicate", "new", "lost", "lost", "stolen", "lost"],
  ],
  [
    "completed by U",
    completedBy("U"),
    ["duplicate", "duplicate", "lost", "lost", "stolen", "lost"],
  ],
  [
    "completed by U, same fingerprint",
    completedBy("U", { fingerprint: "f" }),
    ["duplicate", "duplicate", "lost", "lost", "stolen", "lost"],
  ],
  [
    "completed by U, other fingerprint",
    completedBy("U", { fingerprint: "g" }),
    ["conflict", "conflict", "lost", "lost", "stolen", "lost"],
  ],
];

const VERBS = ["claim", "remember", "start", "renew", "complete", "release"] as const;

describe("the record table", () => {
  for (const [name, record, replies] of REPLIES) {
    for (const [place, verb] of VERBS.entries()) {
      it(`answers ${verb} on a record that is ${name} with "${replies[place]}"`, () => {
        const call = { verb, request: mine, grant: 2, as: "failed" } as const;
        expect(statusOf(decide(record, call, NOW_MS).reply)).toBe(replies[place]);
      });
    }
  }

  it("begins a record with the request's lease, window and origin, and no age of the caller's own", () => {
    expect(table.claim(undefined, mine, NOW_MS)).toEqual({
      reply: { status: "acquired", grant: 1, attempt: 1, suspect: false },
      record: {
        state: "claimed",
        token: "T",
        grant: 1,
        attempts: 0,
        suspect: false,
        started: false,
        origin: { traceparent: "00-trace-T", coordinates: "at T" },
        firstSeenAtMs: NOW_MS,
        leaseUntilMs: NOW_MS + LEASE_MS,
        expiresAtMs: NOW_MS + WINDOW_MS,
      },
    });
  });

  it("hands a lapsed key over with its attempts, its age and its former owner, and marks it suspect", () => {
    const { reply, record } = table.claim(
      claimedBy("U", { ...lapsed, started: true }),
      mine,
      NOW_MS,
    );
    expect(reply).toEqual({
      status: "reclaimed",
      takeover: true,
      previous: { coordinates: "at U", ageMs: 5_000 },
      grant: 3,
      attempt: 2,
      suspect: true,
    });
    expect(record).toEqual({
      ...claimedBy("T"),
      grant: 3,
      suspect: true,
      origin: { traceparent: "00-trace-T", coordinates: "at T" },
      leaseUntilMs: NOW_MS + LEASE_MS,
      expiresAtMs: NOW_MS + WINDOW_MS,
    });
  });

  it("answers a resend after the grant's own start mark with the attempt of the first answer", () => {
    const marked = table.start(claimedBy("T"), mine, NOW_MS).record;
    expect(marked).toMatchObject({ attempts: 2, started: true });
    expect(table.claim(marked, mine, NOW_MS).reply).toMatchObject({
      status: "acquired",
      attempt: 2,
    });
    expect(table.start(marked, mine, NOW_MS).record).toMatchObject({ attempts: 2 });
  });

  it.each([
    ["failed", false, 2],
    ["failed", true, 1],
    ["unstarted", false, 1],
    ["unstarted", true, 0],
    ["reset", false, 0],
    ["reset", true, 0],
  ] as const)(
    "counts a release as %s, start marked: %s, from one attempt to %d",
    (as, started, attempts) => {
      const { record } = table.release(
        claimedBy("T", { started, suspect: true }),
        { ...mine, as },
        NOW_MS,
      );
      expect(record).toMatchObject({ state: "failed", attempts, suspect: as !== "reset" });
      expect(record?.expiresAtMs).toBe(NOW_MS + WINDOW_MS);
    },
  );

  it("keeps a lapse in mind over a failure", () => {
    const { reply } = table.claim({ ...failedBy("U"), suspect: true }, mine, NOW_MS);
    expect(reply).toMatchObject({ status: "reclaimed", takeover: false, suspect: true });
  });

  it.each(["claim", "start", "renew"] as const)(
    "restarts lease and expiry by an owner's %s",
    (verb) => {
      const call = { verb, request: mine, grant: 2, as: "failed" } as const;
      expect(decide(claimedBy("T", lapsed), call, NOW_MS).record).toMatchObject({
        leaseUntilMs: NOW_MS + LEASE_MS,
        expiresAtMs: NOW_MS + WINDOW_MS,
      });
    },
  );

  it("sees no conflict where one side has no fingerprint", () => {
    const { fingerprint: _, ...without } = mine;
    const statuses = [
      table.claim(completedBy("U", { fingerprint: "g" }), without, NOW_MS),
      table.claim(completedBy("U"), mine, NOW_MS),
    ].map(({ reply }) => reply.status);
    expect(statuses).toEqual(["duplicate", "duplicate"]);
  });

  it("restores a lost claim under its grant, with nothing counted", () => {
    const { record } = table.renew(undefined, mine, NOW_MS);
    expect(record).toMatchObject({
      state: "claimed",
      token: "T",
      grant: 2,
      attempts: 0,
      started: false,
    });
  });

  it("drops from a completed record what only a claim needs, and starts its window", () => {
    const result = new Uint8Array([1, 2]);
    const { record } = table.complete(
      claimedBy("T", { suspect: true }),
      { ...mine, result },
      NOW_MS,
    );
    expect(record).toEqual({
      state: "completed",
      token: "T",
      answer: "ok",
      origin: { traceparent: "00-trace-T", coordinates: "at T" },
      fingerprint: "f",
      result,
      firstSeenAtMs: NOW_MS - 5_000,
      completedAtMs: NOW_MS,
      expiresAtMs: NOW_MS + WINDOW_MS,
    });
  });

  it("tells a duplicate the result of the original, and a conflict nothing of it", () => {
    const record = completedBy("U", { fingerprint: "f", result: new Uint8Array([9]) });
    const origin = { coordinates: "at U", ageMs: 5_000 };
    expect(table.claim(record, mine, NOW_MS).reply).toEqual({
      status: "duplicate",
      origin,
      result: new Uint8Array([9]),
    });
    const other = { ...mine, fingerprint: "g" };
    expect(table.claim(record, other, NOW_MS).reply).toEqual({ status: "conflict", origin });
  });

  it("never tells a negative age, even if the store's clock went back", () => {
    const record = completedBy("U", { firstSeenAtMs: NOW_MS + 10 });
    expect(table.claim(record, mine, NOW_MS).reply).toMatchObject({ origin: { ageMs: 0 } });
  });
});
