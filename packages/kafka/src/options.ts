import type { Context, DeadLetterReason } from "@onlyonce/core/adapter";
import {
  quote,
  refuseUnknown,
  requireFunction,
  requireInteger,
  requireObject,
  requireOneOf,
} from "@onlyonce/core/internal";
import type { KafkaMessage, KafkaRecords } from "./payload.js";

interface ClientRunConfig {
  /** Must stay on: an offset is committed only after its message was recorded as done. @defaultValue true */
  autoCommit?: true;
  /** Set to `false` by `kafkaRun`, whatever happens. */
  eachBatchAutoResolve?: false;
}

/** A handler of one message at a time, and what the client's own `run` takes. */
export interface EachMessageConfig extends ClientRunConfig {
  /** Runs once per message. Resolving means done; rejecting means not done, and it will come again. */
  eachMessage(payload: KafkaMessage, context: Context): Promise<void>;
  /** Give one of the two. */
  eachBatch?: never;
}

/** A handler of many records at a time, and what the client's own `run` takes. */
export interface EachBatchConfig extends ClientRunConfig {
  /**
   * Runs with the records of a batch that are not duplicates, `claimAhead` at most. Resolving means that all are done
   * but those that were failed by `record.fail`; rejecting means that none is. What failed comes again; what is done
   * behind it is remembered, and not given out again.
   */
  eachBatch(payload: KafkaRecords): Promise<void>;
  /** Give one of the two. */
  eachMessage?: never;
}

/** What the caller gives to `kafkaRun` beside what the client's own `run` takes. */
export type GuardedRunConfig = EachMessageConfig | EachBatchConfig;

export interface KafkaRunOptions {
  /**
   * How long the partition rests before a failed message is tried again, in milliseconds; at most 2,147,483,647.
   * `attempt` counts from 1: the failures of this message so far, or, while the store cannot be reached, how often in a
   * row. An invalid answer gives way to the default.
   * @defaultValue 1 s · 2ⁿ, at most 30 s, with jitter
   */
  readonly retryDelayMs?: (attempt: number) => number;
  /**
   * Makes a message durable elsewhere that must not be tried again: poison, a conflict, or no key where that is
   * rejected. Awaited before the offset is resolved; a rejection leaves the message unresolved. Without it such a
   * message is tried again, at the longest back-off of 30 s, for ever: it is never dropped.
   */
  readonly deadLetter?: (message: KafkaMessage, why: DeadLetterReason) => Promise<void>;
  /**
   * How many records of a batch are claimed with one call of the store, from 1 to 1000. Where handlers are quick, as many
   * again are claimed meanwhile. A crash makes what is claimed wait for one lease. More raises the throughput of handlers
   * that take microseconds. With 1 each record is claimed when its turn comes and answered before the next one starts.
   * @defaultValue 64
   */
  readonly claimAhead?: number;
  /**
   * What follows a handler that rejects. `pause`: the partition rests, the rest of the consumer goes on. `rethrow`: the
   * client gets the handler's own error after the claim was released. Beware: a kafkajs consumer restarts after five
   * such errors in its life, and stops for ever at a TypeError or at an error that is not `retriable`.
   * @defaultValue "pause"
   */
  readonly onFailure?: "pause" | "rethrow";
  /**
   * Topics whose messages are guarded under the name of another one: its policy and its memory apply. A retry topic that
   * is guarded as its parent shares its parent's memory, so that a message which was processed on one is a duplicate on
   * the other.
   * @defaultValue none: every topic is guarded as itself
   * @example { "orders.retry": "orders" }
   */
  readonly guardAs?: Readonly<Record<string, string>>;
  /** The consumer group, for telemetry only: who must process a message once is the deduplicator's `scope`. */
  readonly groupId?: string;
}

export interface ResolvedOptions {
  readonly retryDelayMs: ((attempt: number) => number) | undefined;
  readonly deadLetter: KafkaRunOptions["deadLetter"];
  readonly claimAhead: number;
  readonly onFailure: "pause" | "rethrow";
  readonly guardAs: ReadonlyMap<string, string>;
  readonly groupId: string | undefined;
}

const OPTIONS = [
  "retryDelayMs",
  "deadLetter",
  "claimAhead",
  "onFailure",
  "guardAs",
  "groupId",
] as const satisfies readonly (keyof KafkaRunOptions)[];

export function resolveOptions(options: KafkaRunOptions): ResolvedOptions {
  const given: unknown = options;
  requireObject("options", given);
  refuseUnknown("options", given, OPTIONS);
  const { retryDelayMs, deadLetter, claimAhead, onFailure, guardAs = {}, groupId } = options;
  if (retryDelayMs !== undefined) requireFunction("options.retryDelayMs", retryDelayMs);
  if (deadLetter !== undefined) requireFunction("options.deadLetter", deadLetter);
  if (onFailure !== undefined) requireOneOf("options.onFailure", onFailure, ["pause", "rethrow"]);
  if (groupId !== undefined && (typeof groupId !== "string" || groupId === "")) {
    throw new TypeError(
      `options.groupId must be a string that is not empty, got ${quote(groupId)}`,
    );
  }
  return {
    retryDelayMs,
    deadLetter,
    claimAhead: requireInteger("options.claimAhead", claimAhead ?? 64, 1, 1000),
    onFailure: onFailure ?? "pause",
    guardAs: topicNames(guardAs),
    groupId,
  };
}

function topicNames(guardAs: unknown): ReadonlyMap<string, string> {
  requireObject("options.guardAs", guardAs);
  const names = new Map<string, string>();
  for (const [topic, name] of Object.entries(guardAs)) {
    if (typeof name !== "string" || name === "") {
      throw new TypeError(
        `options.guardAs[${quote(topic)}] must be the name of a topic, got ${quote(name)}`,
      );
    }
    names.set(topic, name);
  }
  return names;
}

/** Refuses what would lose messages. What else is in `config` is the client's business. */
export function checkRunConfig(config: unknown): void {
  requireObject("config", config);
  const { eachMessage, eachBatch } = config;
  if (eachMessage !== undefined && eachBatch !== undefined) {
    throw new TypeError(
      `config.eachBatch must not be given beside config.eachMessage, got ${quote(eachBatch)}: kafkaRun takes one handler`,
    );
  }
  if (eachBatch === undefined) requireFunction("config.eachMessage", eachMessage);
  else requireFunction("config.eachBatch", eachBatch);
  if (config.eachBatchAutoResolve !== undefined && config.eachBatchAutoResolve !== false) {
    throw new RangeError(
      `config.eachBatchAutoResolve must be false, got ${quote(config.eachBatchAutoResolve)}: it would resolve messages that were not processed`,
    );
  }
  if (config.autoCommit !== undefined && config.autoCommit !== true) {
    throw new RangeError(
      `config.autoCommit must be true, got ${quote(config.autoCommit)}: offsets that are never committed bring every message back after a restart`,
    );
  }
}
