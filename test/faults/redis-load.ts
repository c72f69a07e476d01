import { setTimeout as delay } from "node:timers/promises";
import { createDeduplicator, type Deduplicator, type TopicPolicy } from "@onlyonce/core";
import { attend } from "@onlyonce/core/adapter";
import { type RedisCommands, redisStore } from "@onlyonce/redis";
import { RecordingObserver } from "@onlyonce/testing";
import { type Audit, EffectLedger } from "./effect-ledger.js";

/** How many messages are under way at once. */
const WORKERS = 24;
/** How long a handler works before and after its effect. */
const WORK_MS = 10;
/** Every so many messages are sent twice, as by a producer that tries again. */
const TWICE_EVERY = 4;

const POLICY: TopicPolicy = {
  ackTimeoutMs: 60_000,
  leaseMs: 3_000,
  busyWaitMs: 1_000,
  windowMs: 600_000,
};

interface Member {
  readonly dedup: Deduplicator;
  readonly observer: RecordingObserver;
}

/**
 * Consumers that work through a stream of messages, over a broker that redelivers whatever was not acked, to whichever
 * consumer is next.
 */
export class RedisLoad {
  readonly ledger: EffectLedger = new EffectLedger();
  readonly #members: readonly Member[];
  readonly #workers: Promise<void>[] = [];
  #turn = 0;
  #sent = 0;
  #acked = 0;
  #isOver = false;

  /** One consumer for each client. */
  constructor(clients: readonly RedisCommands[], policy: TopicPolicy = {}) {
    this.#members = clients.map((client) => {
      const observer = new RecordingObserver();
      const dedup = createDeduplicator({
        store: redisStore(client, { commandTimeoutMs: 500 }),
        scope: "load",
        defaults: { ...POLICY, ...policy },
        observers: [observer],
      });
      return { dedup, observer };
    });
  }

  /** Acked deliveries so far. */
  get acked(): number {
    return this.#acked;
  }

  /** How many deliveries ended like this. */
  count(outcome: "duplicate" | "store_error" | "processed"): number {
    return this.#members.reduce((sum, { observer }) => sum + observer.count(outcome), 0);
  }

  /** Codes of what was found out while working. */
  get findings(): ReadonlySet<string> {
    const all = this.#members.flatMap(({ observer }) => observer.findings);
    return new Set(all.map(({ code }) => code));
  }

  start(): void {
    for (let i = 0; i < WORKERS; i += 1) this.#workers.push(this.#work());
  }

  /** No further messages; resolves when all of them are acked. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  /** Delivers every message once more, as a broker does whose acks were lost. */
  async redeliver(): Promise<void> {
    const ids = [...this.ledger.ids];
    const work = async (): Promise<void> => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) await this.#deliver(id);
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
  }

  audit(): Audit {
    return this.ledger.audit(this.#members.map(({ observer }) => observer));
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      this.#sent += 1;
      const id = `m${this.#sent}`;
      this.ledger.sent(id);
      const copies = this.#sent % TWICE_EVERY === 0 ? 2 : 1;
      await Promise.all(Array.from({ length: copies }, () => this.#deliver(id)));
    }
  }

  async #deliver(id: string): Promise<void> {
    for (;;) {
      this.#turn += 1;
      const member = this.#members[this.#turn % this.#members.length];
      if (member === undefined) throw new RangeError("a load needs a consumer");
      const { settlement } = await attend(member.dedup, { topic: "payments", id }, async () => {
        await delay(WORK_MS);
        this.ledger.effect(id);
        await delay(WORK_MS);
      });
      if (settlement === "ack") break;
      await delay(50);
    }
    this.#acked += 1;
  }
}
