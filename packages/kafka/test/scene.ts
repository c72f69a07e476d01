import {
  type Context,
  type Deduplicator,
  type Delivery,
  memoryStore,
  type TopicPolicy,
} from "@onlyonce/core";
import { createDeduplicatorWith } from "@onlyonce/core/internal";
import { FaultyStore, ManualClock, RecordingObserver } from "@onlyonce/testing";
import type { KafkaMessage, KafkaRecords, KafkaRunOptions } from "../src/index.js";
import { kafkaRunWith } from "../src/run-config.js";
import type { StubBatch } from "./stub-batch.js";

export type Handle = (payload: KafkaMessage, context: Context) => Promise<void>;

export interface Given {
  /** Default: notes the message in `ran`. */
  readonly eachMessage?: Handle;
  /** Instead of `eachMessage`. */
  readonly eachBatch?: (payload: KafkaRecords) => Promise<void>;
  readonly options?: KafkaRunOptions;
  readonly policy?: TopicPolicy;
}

export function idOf({ message }: KafkaMessage): string {
  return String(message.value);
}

export function deliveryOf(id: string): Delivery {
  return { topic: "payments", headers: { "idempotency-key": id } };
}

/** The adapter with a store in memory, on a clock that stands still. */
export class Scene {
  readonly clock: ManualClock = new ManualClock();
  readonly store: FaultyStore = new FaultyStore(memoryStore({ clock: this.clock }), this.clock);
  readonly observer: RecordingObserver = new RecordingObserver();
  /** The ids of the messages that were handled. */
  readonly ran: string[] = [];

  readonly remember: Handle = async (payload) => {
    this.ran.push(idOf(payload));
  };

  guard(policy: TopicPolicy = {}): Deduplicator {
    return createDeduplicatorWith(
      { store: this.store, scope: "billing", defaults: policy, observers: [this.observer] },
      this.clock,
    );
  }

  /** The adapter's `eachBatch`, of one consumer. */
  consumer(
    given: Given = {},
    deduplicator: Deduplicator = this.guard(given.policy),
  ): (batch: StubBatch) => Promise<void> {
    const { eachBatch, eachMessage = this.remember } = given;
    const config = eachBatch === undefined ? { eachMessage } : { eachBatch };
    return kafkaRunWith(deduplicator, config, given.options ?? {}, this.clock).eachBatch;
  }

  /** One batch through a consumer of its own. */
  work(batch: StubBatch, given: Given = {}, deduplicator?: Deduplicator): Promise<void> {
    return this.consumer(given, deduplicator)(batch);
  }

  /** Somebody else claims `id` and keeps it until the returned function is called. */
  async holdElsewhere(id: string): Promise<() => void> {
    const other = createDeduplicatorWith({ store: this.store, scope: "billing" }, this.clock);
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await new Promise<void>((started) => {
      void other.process(deliveryOf(id), () => {
        started();
        return finished;
      });
    });
    return finish;
  }
}
