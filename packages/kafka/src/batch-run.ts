import type { Clock, Deduplicator } from "@onlyonce/core";
import type { AttendOptions, Delivery, Ticket, Verdict } from "@onlyonce/core/adapter";
import { topicPolicy } from "@onlyonce/core/adapter";
import { backOffMs } from "./back-off.js";
import { ClaimedAhead } from "./claimed-ahead.js";
import { ClientTurns } from "./client-turns.js";
import { HandlerCalls } from "./handler-calls.js";
import { HeartbeatPump } from "./heartbeat.js";
import { OffsetOrder } from "./offset-order.js";
import type { GuardedRunConfig, ResolvedOptions } from "./options.js";
import type { Pauses } from "./pauses.js";
import type { KafkaBatch } from "./payload.js";
import { deliveryOf, type KafkaRecord, type RecordSource } from "./record.js";
import { RecordGroup } from "./record-group.js";
import { type Action, actionFor } from "./settlement.js";

/** What all batches of one run config share. */
export interface SharedRun {
  readonly deduplicator: Deduplicator;
  readonly handlers: GuardedRunConfig;
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly pauses: Pauses;
  /** How often in a row the store could not be reached, by partition. */
  readonly storeFailures: Map<string, number>;
  /** The last group of records was through so quickly that waiting for claims would have been felt. */
  isFast: boolean;
  /** An error that should not have been was shown. */
  hasWarned: boolean;
}

const LEAVE: Action = { kind: "leave" };

/** Where a group of records takes no longer than this, in milliseconds, the next one is claimed meanwhile. */
const FAST_GROUP_MS = 50;

/**
 * One batch of one partition. Its records are claimed some at a time and run one after the other: a record starts when
 * the handler of the one before it has resolved and its completion was sent. Offsets are resolved in order, as the
 * completions are answered.
 */
export class BatchRun {
  readonly #shared: SharedRun;
  readonly #payload: KafkaBatch;
  readonly #pump: HeartbeatPump;
  readonly #order: OffsetOrder;
  readonly #source: RecordSource & { readonly guardedAs: string };
  readonly #partition: string;
  readonly #calls: HandlerCalls;
  readonly #turns: ClientTurns;
  readonly #maxProcessingMs: number;
  #ahead: ClaimedAhead = new ClaimedAhead([]);
  /** The claims of the group after that, where it is claimed early. */
  #further: Promise<ClaimedAhead> | undefined;
  #release: Promise<unknown> | undefined;

  constructor(shared: SharedRun, payload: KafkaBatch) {
    this.#shared = shared;
    this.#payload = payload;
    this.#pump = new HeartbeatPump(payload, shared.clock);
    this.#turns = new ClientTurns(payload, this.#pump, shared.clock);
    this.#order = new OffsetOrder((record, verdict) => this.#settle(record, verdict), shared.clock);
    const { topic, partition } = payload.batch;
    const { guardAs, groupId } = shared.options;
    const transport = { system: "kafka", destination: topic, partition, isBatch: true };
    this.#source = { topic, partition, guardedAs: guardAs.get(topic) ?? topic, groupId, transport };
    this.#partition = `${topic}/${partition}`;
    const { maxProcessingMs } = topicPolicy(shared.deduplicator, this.#source.guardedAs);
    this.#maxProcessingMs = maxProcessingMs;
    this.#calls = new HandlerCalls(shared.handlers, payload, this.#pump, maxProcessingMs);
  }

  /** Works until the end of the batch or the first record that cannot be resolved. Gives what became of that one. */
  async untilEnd(): Promise<Action | undefined> {
    this.#pump.onDoubt = () => void this.#letGo();
    this.#pump.start();
    try {
      // The group may be rebalancing since an earlier batch of the same fetch: then nothing is claimed any more.
      if (!this.#pump.mayGoOn || !(await this.#pump.beat())) return LEAVE;
      await this.#records();
      return this.#order.gap;
    } finally {
      this.#pump.stop();
    }
  }

  /** Lets the partition rest, unless the handler has paused it by itself or the client no longer wants this batch. */
  rest(delayMs: number): void {
    if (this.#calls.isPaused || !this.#pump.isWanted) return;
    try {
      this.#shared.pauses.rest(this.#partition, () => this.#payload.pause(), delayMs);
    } catch {
      // The client is closed: it will not fetch again.
    }
  }

  async #records(): Promise<void> {
    const { messages } = this.#payload.batch;
    const { claimAhead } = this.#shared.options;
    try {
      for (let done = 0; done < messages.length && this.#mayStart; done += this.#ahead.taken) {
        const group = messages.slice(done, done + claimAhead);
        await this.#release;
        const ahead = await (this.#further ?? this.#claim(group));
        this.#ahead = ahead;
        this.#further = undefined;
        const next = messages.slice(done + group.length, done + group.length + claimAhead);
        if (this.#shared.isFast && next.length > 0 && ahead.next !== undefined) {
          this.#further = this.#claim(next);
          // Whoever awaits it hears of a rejection; meanwhile nobody has to.
          this.#further.catch(() => undefined);
        }
        const startedAtMs = this.#shared.clock.nowMs();
        if (!(await this.#workThrough(group))) break;
        this.#shared.isFast =
          claimAhead > 1 && this.#shared.clock.nowMs() - startedAtMs < FAST_GROUP_MS;
        // What was given back is claimed anew, and its old claims must be gone by then.
        if (ahead.taken < group.length) await this.#letGo();
      }
    } finally {
      await this.#letGo();
      await this.#order.answered();
    }
  }

  /** Gives back all claims that have not started. */
  #letGo(): Promise<unknown> {
    const further = this.#further;
    this.#further = undefined;
    const release = [
      this.#release,
      this.#ahead.letGo(),
      further?.then(
        (ahead) => ahead.letGo(),
        () => undefined,
      ),
    ];
    this.#release = Promise.all(release);
    return this.#release;
  }

  get #mayStart(): boolean {
    return this.#pump.mayGoOn && this.#order.gap === undefined && !this.#calls.isPaused;
  }

  async #claim(records: readonly KafkaRecord[]): Promise<ClaimedAhead> {
    this.#pump.keepAliveFor(this.#maxProcessingMs);
    const { deduplicator, options } = this.#shared;
    const deliveries = records.map((record) => deliveryOf(this.#source, record));
    const attendOptions = this.#attendOptions(records, deliveries);
    return options.claimAhead === 1
      ? ClaimedAhead.oneByOne(deduplicator, deliveries, attendOptions)
      : ClaimedAhead.claim(deduplicator, deliveries, attendOptions);
  }

  /** False: nothing more of this batch may start. */
  async #workThrough(records: readonly KafkaRecord[]): Promise<boolean> {
    const ahead = this.#ahead;
    while (ahead.next !== undefined) {
      if (!this.#mayStart) return false;
      // A key may be taken by an equal one before it, whose answer is on its way.
      if (ahead.next.status === "later" || this.#order.isOverdue) {
        await this.#order.answered();
        if (!this.#mayStart) return false;
      }
      const isHandled =
        this.#shared.handlers.eachBatch === undefined
          ? await this.#startOne(ahead, records)
          : await this.#startGroup(ahead, records);
      if (!isHandled || this.#calls.isPaused) return false;
      if (this.#turns.isDue() && !(await this.#turns.take())) return false;
    }
    return true;
  }

  #startOne(ahead: ClaimedAhead, records: readonly KafkaRecord[]): Promise<boolean> {
    const record = records[ahead.taken];
    const ticket = ahead.take();
    if (ticket === undefined || record === undefined) return Promise.resolve(true);
    this.#pump.keepAliveFor(this.#maxProcessingMs);
    const run = ticket.start((context) => this.#calls.one(record, context));
    this.#order.add(record, run);
    return run.handled;
  }

  /** Starts as many records together as need not wait for one another. */
  async #startGroup(ahead: ClaimedAhead, records: readonly KafkaRecord[]): Promise<boolean> {
    const members: { readonly ticket: Ticket; readonly record: KafkaRecord }[] = [];
    for (;;) {
      const status = ahead.next?.status;
      if (members.length > 0 && status !== "run" && status !== "duplicate") break;
      const record = records[ahead.taken];
      const ticket = ahead.take();
      if (ticket === undefined || record === undefined) break;
      members.push({ ticket, record });
      if (status !== "run" && status !== "duplicate") break;
    }
    this.#pump.keepAliveFor(this.#maxProcessingMs);
    const group = new RecordGroup(members.length, (fresh) => this.#calls.many(fresh));
    const runs = members.map(({ ticket, record }) => {
      let hasEntered = false;
      const run = ticket.start((context) => {
        hasEntered = true;
        return group.enter(record, context);
      });
      void run.handled.then(() => {
        if (!hasEntered) group.leave();
      });
      this.#order.add(record, run);
      return run.handled;
    });
    return (await Promise.all(runs)).every(Boolean);
  }

  #settle(record: KafkaRecord, verdict: Verdict): Action {
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

  #attendOptions(records: readonly KafkaRecord[], deliveries: readonly Delivery[]): AttendOptions {
    const { deadLetter } = this.#shared.options;
    return {
      signal: this.#pump.signal,
      // Who waits for a key while holding others may wait for somebody who waits for one of these.
      enterWait: (waitsFor) => {
        if (waitsFor === "busy") void this.#letGo();
        return () => undefined;
      },
      ...(deadLetter !== undefined && {
        deadLetter: async (why, delivery) => {
          const record = records[deliveries.indexOf(delivery)];
          if (record === undefined) throw new Error("only a record of this batch is dead-lettered");
          await deadLetter(this.#calls.messageOf(record), why);
        },
      }),
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
