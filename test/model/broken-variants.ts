import type { Defines } from "./checker.js";

export interface BrokenVariant {
  /** The macro without its prefix `BROKEN_`. */
  readonly name: string;
  /** What happens, as seldom as is enough. */
  readonly defines: Defines;
  /** The property that breaks first. */
  readonly violates: string;
}

/** The protocol with one rule off. */
export const BROKEN_VARIANTS: readonly BrokenVariant[] = [
  {
    name: "RETRY_WITH_A_FRESH_TOKEN",
    defines: { NET_FAULTS: 1 },
    violates: "NOBODY_WAITS_FOR_ITSELF",
  },
  {
    name: "TOKEN_REUSED_AFTER_RELEASE",
    defines: { NET_FAULTS: 1, STALLS: 1 },
    violates: "VALID_OWNER_UNHARMED",
  },
  {
    name: "GRANT_NOT_COMPARED",
    defines: {
      NET_FAULTS: 2,
      LATE: 2,
      FAILURES: 2,
      COPIES: 3,
      DEAD_LETTER_FAULTS: 1,
      MAX_ATTEMPTS: 1,
    },
    violates: "ATTEMPTS_ARE_FAILURES",
  },
  {
    name: "ATTEMPTS_COUNTED_AT_CLAIM",
    defines: { CRASHES: 1 },
    violates: "ATTEMPTS_ARE_FAILURES",
  },
  {
    name: "RELEASE_WITHOUT_TOKEN",
    defines: { STALLS: 1, FAILURES: 1 },
    violates: "VALID_OWNER_UNHARMED",
  },
  {
    name: "TAKEOVER_READS_THEN_WRITES",
    defines: { CRASHES: 1 },
    violates: "VALID_OWNER_UNHARMED",
  },
  {
    name: "LATE_COMPLETION_REFUSED",
    defines: { STALLS: 1, CRASHES: 1 },
    violates: "NOTHING_AFTER_COMPLETION",
  },
  {
    name: "OK_FOR_ANOTHERS_COMPLETION",
    defines: { STALLS: 1 },
    violates: "OK_MEANS_NO_SUCCESSOR",
  },
  { name: "COMPLETER_FORGOTTEN", defines: { NET_FAULTS: 1 }, violates: "NO_FALSE_ALARM" },
  {
    name: "FIRST_ANSWER_FORGOTTEN",
    defines: { NET_FAULTS: 1, STALLS: 1 },
    violates: "OK_MEANS_NO_SUCCESSOR",
  },
  {
    name: "RENEWAL_REVIVES_FAILED",
    defines: { NET_FAULTS: 1, FAILURES: 1 },
    violates: "RELEASED_STAYS_RELEASED",
  },
  {
    name: "POISON_KEEPS_ATTEMPTS",
    defines: { FAILURES: 2, REDRIVES: 1 },
    violates: "ATTEMPTS_ARE_FAILURES",
  },
  {
    name: "SETTLED_BEFORE_THE_RESET_WAS_ANSWERED",
    defines: { FAILURES: 2, REDRIVES: 1, NET_FAULTS: 1 },
    violates: "ATTEMPTS_ARE_FAILURES",
  },
  {
    name: "LEASE_IS_THE_EXPIRY",
    defines: { CRASHES: 3, MAX_ATTEMPTS: 1 },
    violates: "KILLERS_ARE_DEAD_LETTERED",
  },
  {
    name: "START_NOT_MARKED",
    defines: { CRASHES: 3, MAX_ATTEMPTS: 1 },
    violates: "KILLERS_ARE_DEAD_LETTERED",
  },
  { name: "ABORTED_RESOLVE_IS_DONE", defines: { STALLS: 1 }, violates: "NO_LOSS" },
  { name: "SIGNAL_FIRES_AT_SHUTDOWN", defines: { SHUTDOWNS: 1 }, violates: "NO_DOUBLE" },
  { name: "NO_FRESHNESS_CHECK", defines: { STALLS: 1 }, violates: "NO_DOUBLE" },
  {
    name: "NO_FRESHNESS_CHECK",
    defines: { PROCESSES: 2, BATCH: 2, COPIES: 1, KEYS: 2, STALLS: 1 },
    violates: "NO_DOUBLE",
  },
  {
    name: "BATCH_NOT_MERGED",
    defines: { PROCESSES: 1, BATCH: 2 },
    violates: "NOBODY_WAITS_FOR_ITSELF",
  },
  { name: "BATCH_SHARES_A_TOKEN", defines: { PROCESSES: 1, BATCH: 2 }, violates: "ONE_OWNER" },
  {
    name: "OWN_CLAIM_KEEPS_LEASE",
    defines: { NET_FAULTS: 1 },
    violates: "VALID_OWNER_UNHARMED",
  },
  {
    name: "UNRECORDED_NOT_REPORTED",
    defines: { NET_FAULTS: 2, LOST_ACKS: 1 },
    violates: "DOUBLES_ARE_TOLD",
  },
];

/** Rules whose absence leaves everything safe but nothing done. */
export const STUCK_VARIANTS: readonly BrokenVariant[] = [
  { name: "CLAIM_WITHOUT_A_LEASE", defines: { CRASHES: 1 }, violates: "PROGRESS" },
  {
    name: "EXHAUSTED_NEVER_RUNS",
    defines: { DEAD_LETTERS: 0, FAILURES: 2 },
    violates: "PROGRESS",
  },
];

/** Doubles that no outcome tells of, only an incident: with outcomes alone, these would be broken. */
export const INCIDENTS_NEEDED: readonly (BrokenVariant & { readonly when: string })[] = [
  {
    when: "a handler that read its signal finished beyond the longest processing time",
    name: "INCIDENTS_DO_NOT_COUNT",
    defines: { TIME_UPS: 1 },
    violates: "DOUBLES_ARE_TOLD",
  },
];
