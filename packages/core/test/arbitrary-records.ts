import fc from "fast-check";
import type { ClaimedRecord, CompletedRecord, FailedRecord, StoredRecord } from "../src/record.js";
import * as table from "../src/record-table.js";
import type { ClaimRequest } from "../src/store.js";

/** Few values, so that tokens, grants and instants meet often. */
const tokens: fc.Arbitrary<string> = fc.constantFrom("T", "U", "V");
const fingerprints = fc.constantFrom("f1", "f2");
const origins = fc.record({ coordinates: fc.constantFrom("c1", "c2") }, { requiredKeys: [] });
const grants = fc.integer({ min: 1, max: 3 });
/** The instant of the calls; records lie around it. */
export const NOW_MS = 1_000;

const base = {
  token: tokens,
  origin: origins,
  firstSeenAtMs: fc.integer({ min: 0, max: NOW_MS }),
  expiresAtMs: fc.integer({ min: NOW_MS - 2, max: NOW_MS + 500 }),
};

const claimed: fc.Arbitrary<ClaimedRecord> = fc
  .record({
    ...base,
    state: fc.constant("claimed" as const),
    grant: grants,
    failures: fc.nat(3),
    suspect: fc.boolean(),
    started: fc.boolean(),
    leaseUntilMs: fc.integer({ min: NOW_MS - 2, max: NOW_MS + 100 }),
  })
  .map(({ failures, ...record }) => ({
    ...record,
    attempts: failures + (record.started ? 1 : 0),
  }));

const failed: fc.Arbitrary<FailedRecord> = fc.record({
  ...base,
  state: fc.constant("failed" as const),
  grant: grants,
  attempts: fc.nat(3),
  suspect: fc.boolean(),
});

const completed: fc.Arbitrary<CompletedRecord> = fc.record(
  {
    ...base,
    state: fc.constant("completed" as const),
    completedAtMs: fc.integer({ min: 0, max: NOW_MS }),
    answer: fc.constantFrom("ok" as const, "late" as const, "vanished" as const, "stolen" as const),
    fingerprint: fingerprints,
    result: fc.constant(new Uint8Array([1])),
  },
  {
    requiredKeys: [
      ...(Object.keys(base) as (keyof typeof base)[]),
      "state",
      "completedAtMs",
      "answer",
    ],
  },
);

/** Any record, or none. */
export const records: fc.Arbitrary<StoredRecord | undefined> = fc.oneof(
  fc.constant(undefined),
  claimed,
  failed,
  completed,
);

export interface AnyCall {
  readonly verb: "claim" | "remember" | "start" | "renew" | "complete" | "release";
  readonly request: ClaimRequest;
  /** Undefined: the token alone decides, where a call may do without. */
  readonly grant: number | undefined;
  readonly as: "failed" | "unstarted" | "reset";
}

const requests: fc.Arbitrary<ClaimRequest> = fc.record(
  {
    key: fc.constant("k"),
    token: tokens,
    leaseMs: fc.integer({ min: 1, max: 50 }),
    windowMs: fc.integer({ min: 100, max: 1_000 }),
    origin: origins,
    fingerprint: fingerprints,
  },
  { requiredKeys: ["key", "token", "leaseMs", "windowMs", "origin"] },
);

/** Any call by anybody. */
export const calls: fc.Arbitrary<AnyCall> = fc.record({
  verb: fc.constantFrom("claim", "remember", "start", "renew", "complete", "release"),
  request: requests,
  grant: fc.option(grants, { nil: undefined }),
  as: fc.constantFrom("failed", "unstarted", "reset"),
});

export type AnyDecision = ReturnType<
  | typeof table.claim
  | typeof table.remember
  | typeof table.start
  | typeof table.renew
  | typeof table.complete
  | typeof table.release
>;

/** What the table decides on a call. */
export function decide(
  record: StoredRecord | undefined,
  { verb, request, grant, as }: AnyCall,
  nowMs: number,
): AnyDecision {
  const held = { ...request, grant: grant ?? 1 };
  switch (verb) {
    case "claim":
      return table.claim(record, request, nowMs);
    case "remember":
      return table.remember(record, request, nowMs);
    case "start":
      return table.start(record, held, nowMs);
    case "renew":
      return table.renew(record, held, nowMs);
    case "complete":
      return table.complete(record, grant === undefined ? request : held, nowMs);
    case "release":
      return grant === undefined
        ? table.release(record, { ...request, as: "unstarted" }, nowMs)
        : table.release(record, { ...held, as }, nowMs);
  }
}

/** The reply's name. */
export function statusOf(reply: AnyDecision["reply"]): string {
  return typeof reply === "string" ? reply : reply.status;
}
