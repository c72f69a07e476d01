import type { Context } from "@onlyonce/core/adapter";
import type { HeartbeatPump } from "./heartbeat.js";
import type { GuardedRunConfig } from "./options.js";
import type { FreshRecord, KafkaBatch, KafkaMessage } from "./payload.js";
import type { KafkaRecord } from "./record.js";

/** The caller's handler, called for the records of one batch. */
export class HandlerCalls {
  readonly #handlers: GuardedRunConfig;
  readonly #pump: HeartbeatPump;
  readonly #maxProcessingMs: number;
  readonly #place: Omit<KafkaMessage, "message">;
  #isPaused = false;

  constructor(
    handlers: GuardedRunConfig,
    payload: KafkaBatch,
    pump: HeartbeatPump,
    maxProcessingMs: number,
  ) {
    this.#handlers = handlers;
    this.#pump = pump;
    this.#maxProcessingMs = maxProcessingMs;
    const { topic, partition } = payload.batch;
    this.#place = {
      topic,
      partition,
      heartbeat: async () => {
        await pump.beat();
      },
      pause: () => this.#pause(payload),
    };
  }

  /** Whether the handler has paused the partition by itself. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  messageOf(message: KafkaRecord): KafkaMessage {
    const { topic, partition, heartbeat, pause } = this.#place;
    return { topic, partition, message, heartbeat, pause };
  }

  /** Waiting, the handler, and what follows it (recording, dead-lettering) may each take the longest processing time. */
  async one(record: KafkaRecord, context: Context): Promise<void> {
    this.#pump.keepAliveFor(this.#maxProcessingMs);
    try {
      await this.#handlers.eachMessage?.(this.messageOf(record), context);
    } finally {
      this.#pump.keepAliveFor(this.#maxProcessingMs);
    }
  }

  async many(records: readonly FreshRecord[]): Promise<void> {
    this.#pump.keepAliveFor(this.#maxProcessingMs);
    try {
      await this.#handlers.eachBatch?.({ ...this.#place, records });
    } finally {
      this.#pump.keepAliveFor(this.#maxProcessingMs);
    }
  }

  #pause(payload: KafkaBatch): () => void {
    const resume = payload.pause();
    this.#isPaused = true;
    return () => {
      this.#isPaused = false;
      resume();
    };
  }
}
