import type { Check, Defines } from "./checker.js";

export interface Configuration extends Check {
  readonly name: string;
}

/** What may happen, and how often: two processes with two deliveries of one key, unless told otherwise. */
function safety(name: string, defines: Defines, isLarge = false): Configuration {
  return { name, search: "safety", defines, isLarge };
}

function progress(name: string, defines: Defines): Configuration {
  return { name, search: "progress", defines };
}

export const CONFIGURATIONS: readonly Configuration[] = [
  safety("two faulty calls, with two copies under way, and a stall", {
    NET_FAULTS: 2,
    LATE: 2,
    STALLS: 1,
  }),
  safety("three faulty calls and a crash", { NET_FAULTS: 3, LATE: 2, CRASHES: 1, COPIES: 1 }),
  safety("a crash, a stall and a faulty call", { CRASHES: 1, STALLS: 1, NET_FAULTS: 1 }),
  safety("two crashes, two stalls and a lost ack", {
    CRASHES: 2,
    STALLS: 2,
    LOST_ACKS: 1,
    COPIES: 1,
  }),
  safety("a message that kills its process, and a faulty call", {
    CRASHES: 3,
    MAX_ATTEMPTS: 1,
    REDRIVES: 1,
    NET_FAULTS: 1,
    COPIES: 1,
  }),
  safety("two losses of the record, a faulty call and a lost ack", {
    LOSSES: 2,
    NET_FAULTS: 1,
    LOST_ACKS: 1,
  }),
  safety("a loss of the record, a stall and a faulty call", {
    LOSSES: 1,
    STALLS: 1,
    NET_FAULTS: 1,
  }),
  safety("two failovers to an older record and a stall", { FAILOVERS: 2, STALLS: 1 }),
  safety("a failover, a failure and a crash", { FAILOVERS: 1, FAILURES: 1, CRASHES: 1 }),
  safety("poison, a re-drive, a stall and a faulty call", {
    FAILURES: 2,
    REDRIVES: 1,
    STALLS: 1,
    NET_FAULTS: 1,
  }),
  safety(
    "poison, two re-drives, a dead letter that fails, a crash and a faulty call",
    { FAILURES: 3, REDRIVES: 2, DEAD_LETTER_FAULTS: 1, CRASHES: 1, NET_FAULTS: 1 },
    true,
  ),
  safety("poison without a dead-letter target, a crash and a faulty call", {
    DEAD_LETTERS: 0,
    FAILURES: 3,
    CRASHES: 1,
    NET_FAULTS: 1,
  }),
  safety("two shutdowns, a stall, a skip and a faulty call", {
    SHUTDOWNS: 2,
    STALLS: 1,
    SKIPS: 1,
    NET_FAULTS: 1,
  }),
  safety("fail-open, three faulty calls and a failure", {
    FAIL_OPEN: 1,
    NET_FAULTS: 3,
    LATE: 2,
    FAILURES: 1,
  }),
  safety("fail-open, three faulty calls, a crash and a lost ack", {
    FAIL_OPEN: 1,
    NET_FAULTS: 3,
    CRASHES: 1,
    LOST_ACKS: 1,
    COPIES: 1,
  }),
  safety("two runs beyond the longest processing time, a failure and a stall", {
    TIME_UPS: 2,
    FAILURES: 1,
    STALLS: 1,
  }),
  safety("three processes with three deliveries, a crash and a stall", {
    PROCESSES: 3,
    COPIES: 3,
    CRASHES: 1,
    STALLS: 1,
  }),
  safety("a batch of two equal keys, a crash, a stall, a shutdown and a faulty call", {
    PROCESSES: 1,
    BATCH: 2,
    CRASHES: 1,
    STALLS: 1,
    SHUTDOWNS: 1,
    NET_FAULTS: 1,
  }),
  safety("two processes with batches of two equal keys, a stall and a shutdown", {
    BATCH: 2,
    COPIES: 3,
    STALLS: 1,
    SHUTDOWNS: 1,
  }),
  safety("a batch of two different keys, a stall and a faulty call", {
    PROCESSES: 1,
    BATCH: 2,
    KEYS: 2,
    COPIES: 1,
    STALLS: 1,
    NET_FAULTS: 1,
  }),
  progress("a faulty call and a crash", { NET_FAULTS: 1, CRASHES: 1 }),
  progress("a stall and a shutdown", { STALLS: 1, SHUTDOWNS: 1 }),
  progress("a loss of the record and a failover", { LOSSES: 1, FAILOVERS: 1 }),
  progress("poison and a re-drive", { FAILURES: 2, REDRIVES: 1 }),
  progress("poison without a dead-letter target, and a crash", {
    DEAD_LETTERS: 0,
    FAILURES: 3,
    CRASHES: 1,
  }),
  progress("fail-open and two faulty calls", { FAIL_OPEN: 1, NET_FAULTS: 2, COPIES: 1 }),
  progress("a batch of two equal keys, a crash and a stall", {
    PROCESSES: 1,
    BATCH: 2,
    CRASHES: 1,
    STALLS: 1,
  }),
];
