import type { Clock, Deduplicator } from "@onlyonce/core";
import { topicPolicy } from "@onlyonce/core/adapter";
import { requireObject, systemClock } from "@onlyonce/core/internal";
import { backOffMs } from "./back-off.js";
import { BatchRun, type SharedRun } from "./batch-run.js";
import {
  checkRunConfig,
  type GuardedRunConfig,
  type KafkaRunOptions,
  resolveOptions,
} from "./options.js";
import { Pauses } from "./pauses.js";
import type { KafkaBatch } from "./payload.js";
import type { Action } from "./settlement.js";

/** What `kafkaRun` adds to the caller's run config. */
export interface GuardedRun {
  readonly eachBatchAutoResolve: false;
  /** Never rejects, but for `onFailure: "rethrow"`: then with the handler's own error. */
  eachBatch(payload: KafkaBatch): Promise<void>;
}

/**
 * The whole run config for a guarded consumer: `await consumer.run(kafkaRun(deduplicator, { eachMessage }))`. The other
 * members of `config` are passed on to the client. With `eachBatch` the handler gets the fresh records of a batch
 * together, and may fail some of them.
 *
 * A batch is claimed some records at a time (`claimAhead`). Records of a partition run one after the other: one starts
 * when the handler of the one before it has resolved and its completion was sent to the store. An offset is resolved once
 * that is answered, in order; so a crash repeats the work of one round trip to the store, not of a batch. Claims that
 * have not started are renewed while they wait, checked again before they start, and given back when the consumer stops,
 * loses the partition, waits for a busy key or is stuck.
 *
 * | what happened | the offset | what follows |
 * |---|---|---|
 * | handler resolved | resolved, after the key is recorded as completed | the next record |
 * | key already completed (duplicate) | resolved, handler not run | the next record |
 * | key claimed elsewhere (busy) beyond `busyWaitMs` | unresolved | the partition rests until the lease may have ended, 5 s at most |
 * | handler rejected | unresolved, claim released | the partition rests: 1 s · 2ⁿ up to 30 s (or `onFailure: "rethrow"`) |
 * | poison or conflict, `deadLetter` given | resolved, after `deadLetter` resolved | the next record |
 * | poison or conflict, no `deadLetter` or it rejected | unresolved | the partition rests for 24 to 30 s |
 * | store not reachable | unresolved, handler not run | the partition rests: 1 s · 2ⁿ up to 30 s |
 * | `stop`, `disconnect`, `seek`, rebalance | a running handler finishes and is resolved; claims not started are given back | |
 *
 * A partition that rests is paused, and resumed afterwards even if `consumer.pause` was called for it meanwhile; it comes
 * back within its rest and the consumer's `maxWaitTimeInMs` (5 s by default; 1 s is better). To pause by yourself use the
 * payload's `pause`; `consumer.pause` for a whole topic ends, in kafkajs, when one of its partitions rests.
 *
 * Between records the client is asked for a heartbeat and for the commits that `autoCommitInterval` and
 * `autoCommitThreshold` want: after 16 records or 20 ms, whichever comes first.
 *
 * While a handler runs or a key is waited for, heartbeats are sent, for the topic's longest processing time at most: then
 * a handler that is stuck loses its partition. After a rebalance has begun, no further record of the batch is claimed.
 *
 * @throws TypeError or RangeError for an option that is unknown or invalid, and for `autoCommit: false`,
 * `eachBatchAutoResolve: true`, and `eachMessage` together with `eachBatch`.
 */
export function kafkaRun<Topic extends string, Config extends object>(
  deduplicator: Deduplicator<Topic>,
  config: Config & GuardedRunConfig,
  options: KafkaRunOptions = {},
): Omit<Config, "eachMessage" | "eachBatch"> & GuardedRun {
  return kafkaRunWith(deduplicator, config, options, systemClock);
}

/** The same with a clock of the caller's choice: for tests. */
export function kafkaRunWith<Config extends object>(
  deduplicator: Deduplicator,
  config: Config & GuardedRunConfig,
  options: KafkaRunOptions,
  clock: Clock,
): Omit<Config, "eachMessage" | "eachBatch"> & GuardedRun {
  checkDeduplicator(deduplicator);
  checkRunConfig(config);
  const shared: SharedRun = {
    deduplicator,
    handlers: config,
    options: resolveOptions(options),
    clock,
    pauses: new Pauses(clock),
    storeFailures: new Map(),
    isFast: false,
    hasWarned: false,
  };
  const { eachMessage: _message, eachBatch: _batch, ...passedOn } = config;
  return {
    ...passedOn,
    eachBatchAutoResolve: false,
    eachBatch: (payload) => eachBatch(shared, payload),
  };
}

/** Now, and not at the first message, where the error would have to be caught. */
function checkDeduplicator(deduplicator: unknown): asserts deduplicator is Deduplicator {
  requireObject("deduplicator", deduplicator);
  topicPolicy(deduplicator as unknown as Deduplicator, "");
}

async function eachBatch(shared: SharedRun, payload: KafkaBatch): Promise<void> {
  const run = new BatchRun(shared, payload);
  let last: Action | undefined;
  try {
    last = await run.untilEnd();
  } catch (error) {
    // A client may stop for ever at an error, so none of ours gets out. The record is unresolved: it comes again.
    if (!shared.hasWarned) warnOf(error, payload);
    shared.hasWarned = true;
    run.rest(backOffMs(1, Math.random()));
  }
  if (last?.kind === "rethrow") throw last.error;
}

/** Shown once: nothing else would say why a partition does not move. */
function warnOf(error: unknown, { batch }: KafkaBatch): void {
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(
    `a batch of ${batch.topic}/${batch.partition} was given up and will be tried again; later ones are not shown: ${reason}`,
    { type: "OnlyOnceWarning", code: "ONLYONCE_KAFKA_BATCH" },
  );
}
