import { setTimeout as delay } from "node:timers/promises";
import { audit } from "./audit.js";
import type { Broker } from "./broker.js";
import { ConsumerCrew, type ConsumerCrewOptions } from "./consumer-crew.js";
import { type Journal, readJournal } from "./journal.js";
import { readLedger } from "./ledger.js";
import type { BrokerResult } from "./report.js";
import { SettledCopies } from "./settled-copies.js";
import type { Copy } from "./workload.js";

export interface BrokerRunOptions {
  readonly name: BrokerResult["broker"];
  readonly broker: Broker;
  readonly copies: readonly Copy[];
  /** Consumers that are there from the beginning. */
  readonly consumers: readonly string[];
  /** A consumer that stands by. */
  readonly joiner?: string;
  readonly crew: Omit<ConsumerCrewOptions, "share" | "journal">;
  readonly journal: Journal;
  readonly journalPath: string;
  disturb(crew: ConsumerCrew): Promise<void>;
}

const LOOK_EVERY_MS = 50;
/** If the broker has nothing left and nothing happens for so long, nothing will: what is missing then is lost. */
const QUIET_MS = 15_000;

/** One broker: publish, consume, disturb, audit. */
export class BrokerRun {
  readonly #options: BrokerRunOptions;
  readonly #settled = new SettledCopies();
  readonly #crew: ConsumerCrew;

  constructor(options: BrokerRunOptions) {
    this.#options = options;
    this.#crew = new ConsumerCrew({
      ...options.crew,
      journal: options.journal,
      share: () => this.#settled.count / options.copies.length,
    });
  }

  /** For the progress line. */
  get status(): string {
    return `${this.#settled.count}/${this.#options.copies.length}`;
  }

  /** Rejects when a consumer ends by itself, or the work is done before it could be disturbed. */
  async run(): Promise<BrokerResult> {
    const { broker, copies, consumers, joiner } = this.#options;
    const startedAtMs = performance.now();
    await broker.publish(copies);
    for (const name of [...consumers, ...(joiner === undefined ? [] : [joiner])]) {
      this.#settled.follow(this.#options.crew.journalPath(name));
    }
    if (joiner !== undefined) this.#crew.standBy(joiner);
    for (const name of consumers) this.#crew.start(name);
    await Promise.race([this.#consumed(), this.#crew.failure]);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    await this.#crew.stop();
    return {
      broker: this.#options.name,
      seconds,
      left: await broker.left(),
      audit: this.#audit(),
    };
  }

  /** Ends every consumer at once, if any is left. */
  async abort(): Promise<void> {
    await this.#crew.abort();
    this.#settled.close();
  }

  async #consumed(): Promise<void> {
    let isDisturbed = false;
    const disturbed = this.#options.disturb(this.#crew).then(() => {
      isDisturbed = true;
    });
    await Promise.race([disturbed, this.#untilSettled()]);
    if (!isDisturbed) throw new Error("the work was done before a consumer could be killed");
    await this.#untilSettled();
  }

  async #untilSettled(): Promise<void> {
    const { broker, copies } = this.#options;
    let count = -1;
    let changedAtMs = 0;
    for (;;) {
      this.#settled.look();
      if (this.#settled.count === copies.length) return;
      if (this.#settled.count !== count) {
        count = this.#settled.count;
        changedAtMs = performance.now();
      } else if (performance.now() - changedAtMs > QUIET_MS) {
        if ((await broker.left()) === 0) return;
        changedAtMs = performance.now();
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  #audit(): BrokerResult["audit"] {
    const { copies, consumers, joiner, crew, journalPath, name } = this.#options;
    const names = [...consumers, ...(joiner === undefined ? [] : [joiner])];
    const journals = [journalPath, ...names.map((consumer) => crew.journalPath(consumer))];
    return audit({
      published: copies,
      ledger: readLedger(crew.settings.ledger),
      journal: journals.flatMap((path) => [...readJournal(path)]),
      hasRebalances: name === "kafka",
    });
  }
}
