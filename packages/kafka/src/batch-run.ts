import type { Clock, Deduplicator } from "@onlyonce/core";
import type { AttendOptions, Context } from "@onlyonce/core/adapter";
import { attend, topicPolicy } from "@onlyonce/core/adapter";
import { backOffMs } from "./back-off.js";
import { HeartbeatPump } from "./heartbeat.js";
import type { ResolvedOptions } from "./options.js";
import type { Pauses } from "./pauses.js";
import type { KafkaBatch, KafkaMessage } from "./payload.js";
import { deliveryOf, type KafkaRecord, type RecordSource } from "./record.js";
import { type Action, actionFor } from "./settlement.js";

/** What all batches of one run config share. */
export interface SharedRun {
  readonly deduplicator: Deduplicator;
  readonly handler: (payload: KafkaMessage, context: Context) => Promise<void>;
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly pauses: Pauses;
  /** How often in a row the store could not be reached, by partition. */
  readonly storeFailures: Map<string, number>;
  /** An error that should not have been was shown. */
  hasWarned: boolean;
}

const LEAVE: Action = { kind: "leave" };

/** One batch of one partition: its records one by one, none of them touched before the one before it is resolved. */
export class BatchRun {
  readonly #shared: SharedRun;
  readonly #payload: KafkaBatch;
  readonly #pump: HeartbeatPump;
  readonly #source: RecordSource & { readonly guardedAs: string };
  readonly #partition: string;
  readonly #heartbeat: KafkaMessage["heartbeat"];
  readonly #pause: KafkaMessage["pause"];
  #maxProcessingMs = 0;
  #isPausedByHandler = false;

  constructor(shared: SharedRun, payload: KafkaBatch) {
    this.#shared = shared;
    this.#payload = payload;
    this.#pump = new HeartbeatPump(payload, shared.clock);
    const { topic, partition } = payload.batch;
    const { guardAs, groupId } = shared.options;
    this.#source = { topic, partition, guardedAs: guardAs.get(topic) ?? topic, groupId };
    this.#partition = `${topic}/${partition}`;
    this.#heartbeat = async () => {
      await this.#pump.beat();
    };
    this.#pause = () => {
      const resume = payload.pause();
      this.#isPausedByHandler = true;
      return () => {
        this.#isPausedByHandler = false;
        resume();
      };
    };
  }

  /** Works until the end of the batch or the first record that cannot be resolved. Gives what happened last. */
  async untilEnd(): Promise<Action> {
    const policy = topicPolicy(this.#shared.deduplicator, this.#source.guardedAs);
    this.#maxProcessingMs = policy.maxProcessingMs;
    this.#pump.start();
    try {
      return await this.#records();
    } finally {
      this.#pump.stop();
    }
  }

  /** Lets the partition rest, unless the handler has paused it by itself or the client no longer wants this batch. */
  rest(delayMs: number): void {
    if (this.#isPausedByHandler || !this.#pump.isWanted) return;
    try {
      this.#shared.pauses.rest(this.#partition, () => this.#payload.pause(), delayMs);
    } catch {
      // The client is closed: it will not fetch again.
    }
  }

  async #records(): Promise<Action> {
    // The group may be rebalancing since an earlier batch of the same fetch: then nothing is claimed any more.
    if (!this.#pump.mayGoOn || !(await this.#pump.beat())) return LEAVE;
    let last = LEAVE;
    for (const record of this.#payload.batch.messages) {
      if (!this.#pump.mayGoOn) return LEAVE;
      last = await this.#settle(record);
      if (last.kind !== "resolve") return last;
      if (this.#isPausedByHandler || !(await this.#afterResolve())) return LEAVE;
    }
    return last;
  }

  async #settle(record: KafkaRecord): Promise<Action> {
    const { topic, partition } = this.#source;
    const message: KafkaMessage = {
      topic,
      partition,
      message: record,
      heartbeat: this.#heartbeat,
      pause: this.#pause,
    };
    this.#pump.keepAliveFor(this.#maxProcessingMs);
    const verdict = await attend(
      this.#shared.deduplicator,
      deliveryOf(this.#source, record),
      (context) => this.#handle(message, context),
      this.#attendOptions(message),
    );
    const action = actionFor(verdict, this.#shared.options, {
      storeFailures: this.#countStoreFailures(verdict.reason === "store"),
      random: Math.random(),
    });
    switch (action.kind) {
      case "resolve":
        return this.#resolve(record.offset) ? action : LEAVE;
      case "pause":
        this.rest(action.delayMs);
        break;
      case "leave":
        // The deduplicator was closed before the consumer: without a rest the client would fetch again at once.
        if (this.#pump.mayGoOn) this.rest(backOffMs(1, Math.random()));
        break;
      case "rethrow":
        break;
    }
    return action;
  }

  /** Waiting, the handler, and what follows it (recording, dead-lettering) may each take the longest processing time. */
  async #handle(message: KafkaMessage, context: Context): Promise<void> {
    this.#pump.keepAliveFor(this.#maxProcessingMs);
    try {
      await this.#shared.handler(message, context);
    } finally {
      this.#pump.keepAliveFor(this.#maxProcessingMs);
    }
  }

  #attendOptions(message: KafkaMessage): AttendOptions {
    const { deadLetter } = this.#shared.options;
    return {
      signal: this.#pump.signal,
      ...(deadLetter !== undefined && { deadLetter: async (why) => deadLetter(message, why) }),
    };
  }

  /** False: the client has lost the partition to a rebalance. The work is recorded, so its next owner meets a duplicate. */
  #resolve(offset: string): boolean {
    try {
      this.#payload.resolveOffset(offset);
      return true;
    } catch {
      this.rest(backOffMs(1, Math.random()));
      return false;
    }
  }

  /** As kafkajs does between messages. False: leave the rest of the batch to the client's own recovery. */
  async #afterResolve(): Promise<boolean> {
    if (!(await this.#pump.beat())) return false;
    try {
      await this.#payload.commitOffsetsIfNecessary?.();
      return true;
    } catch {
      // What is resolved stays resolved: the client commits it at the end of the batch, and deals with its own error there.
      return false;
    }
  }

  #countStoreFailures(hasFailed: boolean): number {
    const { storeFailures } = this.#shared;
    if (!hasFailed) {
      if (storeFailures.size > 0) storeFailures.delete(this.#partition);
      return 0;
    }
    const count = (storeFailures.get(this.#partition) ?? 0) + 1;
    storeFailures.set(this.#partition, count);
    return count;
  }
}
