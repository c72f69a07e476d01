import {
  createDeduplicator,
  type Deduplicator,
  jsonField,
  OnlyOnceError,
  type Store,
} from "@onlyonce/core";
import { carryOut, type Worker } from "../handler-work.js";
import { type Journal, journalObserver } from "../journal.js";
import type { Ledger } from "../ledger.js";
import type { Copy, Task } from "../workload.js";
import { severable } from "./severable-store.js";

export interface SimulatedConsumerOptions {
  readonly name: string;
  readonly topic: string;
  readonly isOff: boolean;
  /** Shared by all consumers, as Redis would be. */
  readonly store: Store;
  readonly journal: Journal;
  readonly ledger: Ledger;
  onBegin(task: Task): void;
}

/** How a delivery ended, in the terms of a broker. */
export type Settled =
  | { readonly status: "ack" }
  | { readonly status: "later"; readonly delayMs: number };

/** A consumer process that lives in this one. It can die in the middle of its work, and leaves then what a SIGKILL leaves. */
export class SimulatedConsumer {
  readonly name: string;
  readonly #topic: string;
  readonly #deduplicator: Deduplicator;
  readonly #worker: Worker;
  readonly #sever: () => void;
  #isAlive = true;

  constructor(options: SimulatedConsumerOptions) {
    this.name = options.name;
    this.#topic = options.topic;
    const { store, sever } = severable(options.store);
    this.#sever = sever;
    this.#deduplicator = createDeduplicator({
      store,
      scope: "demo",
      defaults: {
        key: jsonField("/id"),
        mode: options.isOff ? "off" : "enforce",
        ackTimeoutMs: 3_000,
        leaseMs: 400,
        windowMs: 60_000,
      },
      observers: [journalObserver(whileAlive(this, options.journal), options.name)],
    });
    this.#worker = {
      name: options.name,
      ledger: whileAlive(this, options.ledger),
      onBegin: options.onBegin,
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Never answers once the consumer is dead. */
  async process({ copyId, task }: Copy): Promise<Settled> {
    const delivery = {
      topic: this.#topic,
      payload: { ...task },
      headers: { "copy-id": copyId },
    };
    try {
      await this.#deduplicator.process(delivery, (context) =>
        carryOut(this.#worker, task, context),
      );
      return await this.#answer({ status: "ack" });
    } catch (error) {
      if (!OnlyOnceError.is(error) || !error.retriable) throw error;
      return this.#answer({ status: "later", delayMs: error.retryAfterMs ?? 100 });
    }
  }

  /** Nothing it does from now on reaches anybody. */
  kill(): void {
    this.#isAlive = false;
    this.#sever();
  }

  async close(): Promise<void> {
    await this.#deduplicator.close({ drainMs: this.#isAlive ? 5_000 : 0 });
  }

  #answer(settled: Settled): Promise<Settled> {
    return this.#isAlive ? Promise.resolve(settled) : new Promise<never>(() => {});
  }
}

/** The same file, as a process has it: the dead write nothing. */
function whileAlive<Line>(
  consumer: SimulatedConsumer,
  file: { append(line: Line): void },
): { append(line: Line): void } {
  return {
    append(line) {
      if (consumer.isAlive) file.append(line);
    },
  };
}
