import type { Context } from "@onlyonce/core/adapter";
import type { KafkaRecord } from "./record.js";

/** What a handler is given: the shape of kafkajs' `EachMessagePayload`. */
export interface KafkaMessage {
  readonly topic: string;
  readonly partition: number;
  /** The client's own record, untouched. */
  readonly message: KafkaRecord;
  /** Rarely needed: the adapter sends heartbeats while the handler runs. Never rejects. */
  heartbeat(): Promise<void>;
  /**
   * Pauses this partition until the returned function is called. The message at hand is processed and resolved if the
   * handler resolves; if it rejects, the message waits for that call too, instead of for the adapter's own back-off.
   */
  pause(): () => void;
}

/** A record whose key was claimed: it was not processed before, and nobody else processes it now. */
export interface FreshRecord {
  /** The client's own record, untouched. */
  readonly message: KafkaRecord;
  readonly context: Context;
  /**
   * Says that this record was not processed: it comes again, as after a handler that rejects with `error`. Counts if it
   * is called before the handler ends; the first error counts.
   */
  fail(error: unknown): void;
}

/** What a handler of many records is given. */
export interface KafkaRecords {
  readonly topic: string;
  readonly partition: number;
  /** In the order of their offsets, one at least and `claimAhead` at most. Duplicates are left out. */
  readonly records: readonly FreshRecord[];
  /** Rarely needed: the adapter sends heartbeats while the handler runs. Never rejects. */
  heartbeat(): Promise<void>;
  /** Pauses this partition until the returned function is called. What was processed is resolved all the same. */
  pause(): () => void;
}

/** What the client gives to `eachBatch`: the members that the adapter uses. */
export interface KafkaBatch {
  readonly batch: {
    readonly topic: string;
    readonly partition: number;
    readonly messages: readonly KafkaRecord[];
  };
  resolveOffset(offset: string): void;
  heartbeat(): Promise<void>;
  pause(): () => void;
  isRunning(): boolean;
  isStale(): boolean;
  /** Commits when `autoCommitInterval` or `autoCommitThreshold` say so. */
  commitOffsetsIfNecessary?(): Promise<void>;
}
