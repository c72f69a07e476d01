import { type Clock, systemClock } from "./clock.js";
import { OnlyOnceError } from "./errors.js";
import {
  quote,
  refuseUnknown,
  requireFunction,
  requireInteger,
  requireObject,
} from "./option-checks.js";
import { isLive, originAt, presentRecord, revisionOf, type StoredRecord } from "./record.js";
import { type Entry, ExpiryQueue } from "./record-expiry.js";
import * as table from "./record-table.js";
import type {
  ClaimReply,
  ClaimRequest,
  CompleteReply,
  Completion,
  Finding,
  Held,
  KeyRecord,
  Release,
  ReleaseReply,
  RememberReply,
  RenewReply,
  StartReply,
  Store,
  StoreFailure,
} from "./store.js";

export interface MemoryStoreOptions {
  /**
   * Decides leases and windows.
   * @defaultValue the monotonic clock of this process
   */
  readonly clock?: Clock;
  /**
   * How many keys may be kept at once (1 to 16,777,216, which is what a Map holds). A new key beyond it is answered
   * with a failure: nothing that is remembered or claimed is ever dropped early.
   * @defaultValue 1_000_000
   */
  readonly maxRecords?: number;
}

const MOST_RECORDS = 2 ** 24;
/** Expired records looked at per key of a call: above one, so that they never pile up. */
const LOOKS_PER_KEY = 2;
const LOOKS_PER_SWEEP = 16;

const ONE_PROCESS: Finding = {
  code: "memory_only",
  severity: "info",
  message:
    "records are kept in this process only: other processes do not see them and a restart forgets them. Use a shared store where either matters",
};

/**
 * Keeps the records in this process: for tests, and for a consumer that runs as one process and may forget when it
 * stops. Nothing is shared with other processes.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const given: unknown = options;
  requireObject("the options of memoryStore", given);
  refuseUnknown("memoryStore", given, ["clock", "maxRecords"]);
  const { clock = systemClock, maxRecords = 1_000_000 } = options;
  requireFunction("clock.nowMs", clock.nowMs);
  return new MemoryStore(clock, requireInteger("maxRecords", maxRecords, 1, MOST_RECORDS));
}

class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #maxRecords: number;
  readonly #entries = new Map<string, Entry>();
  readonly #queue = new ExpiryQueue();
  readonly #listeners = new Set<(finding: Finding) => void>();
  #isFull = false;
  #isClosed = false;

  constructor(clock: Clock, maxRecords: number) {
    this.#clock = clock;
    this.#maxRecords = maxRecords;
  }

  async claim(claims: readonly ClaimRequest[]): Promise<readonly ClaimReply[]> {
    const replies = this.#execute<ClaimRequest, ClaimReply>(claims, (record, request, nowMs) =>
      record === undefined && !this.#hasRoom(nowMs)
        ? this.#refusal()
        : table.claim(record, request, nowMs),
    );
    return replies.map((reply) =>
      reply.status === "duplicate" && reply.result !== undefined
        ? { ...reply, result: reply.result.slice() }
        : reply,
    );
  }

  async remember(claims: readonly ClaimRequest[]): Promise<readonly RememberReply[]> {
    return this.#execute<ClaimRequest, RememberReply>(claims, (record, request, nowMs) =>
      record === undefined && !this.#hasRoom(nowMs)
        ? this.#refusal()
        : table.remember(record, request, nowMs),
    );
  }

  async start(held: readonly Held[]): Promise<readonly StartReply[]> {
    return this.#execute(held, table.start);
  }

  async renew(held: readonly Held[]): Promise<readonly RenewReply[]> {
    return this.#execute(held, table.renew);
  }

  async complete(completions: readonly Completion[]): Promise<readonly CompleteReply[]> {
    return this.#execute(completions, (record, { result, ...rest }, nowMs) =>
      table.complete(
        record,
        result === undefined ? rest : { ...rest, result: result.slice() },
        nowMs,
      ),
    );
  }

  async release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    return this.#execute(releases, table.release);
  }

  async inspect(key: string): Promise<KeyRecord | undefined> {
    this.#requireOpen();
    const nowMs = this.#clock.nowMs();
    const record = this.#find(key, nowMs)?.record;
    if (record === undefined) return undefined;
    return {
      state: record.state,
      ...(record.state !== "completed" && { attempt: record.attempts }),
      origin: originAt(record, nowMs),
      expiresInMs: record.expiresAtMs - nowMs,
      revision: revisionOf(record),
    };
  }

  async forget(key: string, seen?: KeyRecord): Promise<boolean> {
    this.#requireOpen();
    const nowMs = this.#clock.nowMs();
    const entry = this.#find(key, nowMs);
    if (entry === undefined || isLive(entry.record, nowMs)) return false;
    if (seen !== undefined && seen.revision !== revisionOf(entry.record)) return false;
    this.#queue.remove(entry);
    this.#entries.delete(key);
    return true;
  }

  async check(): Promise<readonly Finding[]> {
    this.#requireOpen();
    return [ONE_PROCESS];
  }

  onFinding(listener: (finding: Finding) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#entries.clear();
    this.#queue.clear();
    this.#listeners.clear();
  }

  #requireOpen(): void {
    if (this.#isClosed)
      throw new OnlyOnceError("ERR_ONLYONCE_CLOSED", "the memory store is closed", {
        retriable: false,
      });
  }

  /** Runs the calls in order and at one instant. */
  #execute<Call extends ClaimRequest, Reply>(
    calls: readonly Call[],
    decide: (record: StoredRecord | undefined, call: Call, nowMs: number) => Decided<Reply>,
  ): Reply[] {
    this.#requireOpen();
    for (const call of calls) requireDurations(call);
    const nowMs = this.#clock.nowMs();
    this.#sweep(nowMs, LOOKS_PER_KEY * calls.length);
    return calls.map((call) => {
      const entry = this.#find(call.key, nowMs);
      const { reply, record } = decide(entry?.record, call, nowMs);
      if (record !== entry?.record && record !== undefined) this.#keep(call.key, entry, record);
      return reply;
    });
  }

  #find(key: string, nowMs: number): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || presentRecord(entry.record, nowMs) !== undefined) return entry;
    this.#queue.remove(entry);
    this.#entries.delete(key);
    return undefined;
  }

  #keep(key: string, entry: Entry | undefined, record: StoredRecord): void {
    if (entry !== undefined) {
      entry.record = record;
      this.#queue.update(entry);
      return;
    }
    const added: Entry = { key, record, dueAtMs: 0, place: 0 };
    this.#entries.set(key, added);
    this.#queue.add(added);
  }

  #sweep(nowMs: number, looks: number): void {
    for (const entry of this.#queue.takeExpired(nowMs, looks)) this.#entries.delete(entry.key);
  }

  #hasRoom(nowMs: number): boolean {
    while (this.#entries.size >= this.#maxRecords && this.#queue.isDue(nowMs)) {
      this.#sweep(nowMs, LOOKS_PER_SWEEP);
    }
    const hasRoom = this.#entries.size < this.#maxRecords;
    if (hasRoom) this.#isFull = false;
    return hasRoom;
  }

  #refusal(): Decided<StoreFailure> {
    const message = `the memory store is full: it keeps ${this.#maxRecords} records (maxRecords) and none has expired`;
    if (!this.#isFull) this.#report({ code: "memory_full", severity: "error", message });
    this.#isFull = true;
    const error = new OnlyOnceError("ERR_ONLYONCE_STORE", message);
    return { reply: { status: "error", error }, record: undefined };
  }

  #report(finding: Finding): void {
    for (const listener of this.#listeners) {
      try {
        listener(finding);
      } catch {
        // A listener that throws must not change what a claim is answered.
      }
    }
  }
}

/** A decision of the table, or a refusal that leaves everything as it was. */
interface Decided<Reply> {
  readonly reply: Reply;
  readonly record: StoredRecord | undefined;
}

/** A lease or window that is not a positive number would mean "expired at once": every copy would run. */
function requireDurations(call: ClaimRequest): void {
  for (const name of ["leaseMs", "windowMs"] as const) {
    const value: unknown = call[name];
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
      throw new RangeError(
        `${name} must be a positive number of milliseconds, got ${quote(value)}`,
      );
    }
  }
}
