import type {
  ClaimReply,
  ClaimRequest,
  CompleteReply,
  Completion,
  Finding,
  Held,
  KeyRecord,
  Origin,
  Release,
  ReleaseReply,
  RememberReply,
  RenewReply,
  StartReply,
  Store,
} from "@onlyonce/core";
import { traitsOf } from "@onlyonce/core/internal";
import type { ResolvedLocalCache } from "./local-cache-options.js";
import { RecentKeys } from "./recent-keys.js";

/** A key that this process completed. Only answers of the store make or change one. */
interface Completed {
  readonly token: string;
  readonly fingerprint: string | undefined;
  /** The record stands until then, by the local monotonic clock: reckoned from when its completion was *sent*. */
  readonly endsAtMs: number;
  /** What the store told the last duplicate; undefined: none has asked yet. */
  word:
    | { readonly origin: Origin; readonly atMs: number; readonly goodUntilMs: number }
    | undefined;
}

type Asked = ClaimReply | RememberReply;

/**
 * Answers duplicates of keys that this process completed itself, without asking the store again and again. Everything
 * else passes through: claims, busy keys, failures, conflicts and stored results are the store's alone to tell.
 *
 * A key is taken in when the store has answered its completion, for the windows of others are not known, and answered
 * from here once the store has told a duplicate who did the work; that word is good for `maxAgeMs`, and never beyond
 * the record.
 */
export class LocalCache implements Store {
  readonly system?: string;
  readonly commandTimeoutMs?: number;
  readonly maxReplicaWaitMs?: number;
  readonly completedRecords?: "full" | "bare";
  readonly maxWindowMs?: number;
  readonly #store: Store;
  readonly #maxAgeMs: number;
  readonly #nowMs: () => number;
  readonly #keys: RecentKeys<Completed>;
  /** Counts beginnings and ends of `forget`: what was asked before one of them is not believed after it. */
  #forgets = 0;
  #isClosed = false;

  constructor(store: Store, options: ResolvedLocalCache, nowMs: () => number) {
    this.#store = store;
    this.#maxAgeMs = options.maxAgeMs;
    this.#keys = new RecentKeys(options.maxKeys);
    this.#nowMs = nowMs;
    Object.assign(this, traitsOf(store));
  }

  claim(claims: readonly ClaimRequest[]): Promise<readonly ClaimReply[]> {
    return this.#ask(
      claims,
      (request) => this.#answer(request),
      (asked) => this.#store.claim(asked),
      (request, reply, sentAtMs) => this.#told(request, reply, sentAtMs),
    );
  }

  /** A copy of the call that completed a key is answered `new`: by the store, which knows it from a duplicate. */
  remember(claims: readonly ClaimRequest[]): Promise<readonly RememberReply[]> {
    return this.#ask<RememberReply>(
      claims,
      (request) => this.#answer(request, request.token),
      (asked) => this.#store.remember(asked),
      (request, reply, sentAtMs) => {
        if (reply.status === "new") this.#completed(request, sentAtMs);
      },
    );
  }

  async complete(completions: readonly Completion[]): Promise<readonly CompleteReply[]> {
    const sentAtMs = this.#nowMs();
    const forgets = this.#forgets;
    const replies = await this.#store.complete(completions);
    if (forgets !== this.#forgets) return replies;
    for (const [index, completion] of completions.entries()) {
      const reply = replies[index];
      // `stolen` may be about somebody else's record, and an error about none.
      if (reply === "ok" || reply === "late" || reply === "vanished") {
        this.#completed(completion, sentAtMs);
      }
    }
    return replies;
  }

  start(held: readonly Held[]): Promise<readonly StartReply[]> {
    return this.#store.start(held);
  }

  renew(held: readonly Held[]): Promise<readonly RenewReply[]> {
    return this.#store.renew(held);
  }

  release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    return this.#store.release(releases);
  }

  inspect(key: string): Promise<KeyRecord | undefined> {
    return this.#store.inspect(key);
  }

  async forget(key: string, seen?: KeyRecord): Promise<boolean> {
    this.#drop(key);
    try {
      return await this.#store.forget(key, seen);
    } finally {
      this.#drop(key);
    }
  }

  check(): Promise<readonly Finding[]> {
    return this.#store.check();
  }

  onFinding(listener: (finding: Finding) => void): () => void {
    return this.#store.onFinding(listener);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#keys.clear();
    return this.#store.close();
  }

  /** Answers what it can, and asks the store for the rest. What the store can't answer fails key by key then. */
  async #ask<Reply extends Asked>(
    requests: readonly ClaimRequest[],
    answer: (request: ClaimRequest) => Reply | undefined,
    ask: (requests: readonly ClaimRequest[]) => Promise<readonly Reply[]>,
    learn: (request: ClaimRequest, reply: Reply, sentAtMs: number) => void,
  ): Promise<readonly (Reply | { readonly status: "error"; readonly error: unknown })[]> {
    const known = requests.map(answer);
    const asked = requests.filter((_, index) => known[index] === undefined);
    if (asked.length === 0 && requests.length > 0)
      return known.filter((reply) => reply !== undefined);
    const sentAtMs = this.#nowMs();
    const forgets = this.#forgets;
    let replies: readonly Reply[];
    try {
      replies = await ask(asked);
    } catch (error) {
      if (asked.length === requests.length) throw error;
      return known.map((reply) => reply ?? { status: "error", error });
    }
    if (forgets === this.#forgets && !this.#isClosed) {
      for (const [index, request] of asked.entries()) {
        const reply = replies[index];
        if (reply !== undefined) learn(request, reply, sentAtMs);
      }
    }
    if (asked.length === requests.length) return replies;
    let next = 0;
    return known.map((reply) => {
      if (reply !== undefined) return reply;
      const told = replies[next];
      next += 1;
      return told ?? { status: "error", error: new Error("the store gave no answer") };
    });
  }

  #answer(
    { key, fingerprint }: ClaimRequest,
    token?: string,
  ): { readonly status: "duplicate"; readonly origin: Origin } | undefined {
    const found = this.#keys.get(key);
    if (found?.word === undefined || found.token === token) return undefined;
    const now = this.#nowMs();
    if (now >= found.word.goodUntilMs || differ(found.fingerprint, fingerprint)) return undefined;
    const { origin, atMs } = found.word;
    if (origin.ageMs === undefined) return { status: "duplicate", origin };
    const ageMs = origin.ageMs + Math.floor(now - atMs);
    return { status: "duplicate", origin: { ...origin, ageMs } };
  }

  /** Takes the store's word about a key that this process completed; any other answer says that its record is gone. */
  #told(request: ClaimRequest, reply: ClaimReply, sentAtMs: number): void {
    const found = this.#keys.get(request.key);
    if (found === undefined || reply.status === "error") return;
    if (reply.status === "conflict" && differ(found.fingerprint, request.fingerprint)) return;
    if (reply.status !== "duplicate" || reply.result !== undefined) {
      this.#keys.delete(request.key);
      return;
    }
    const goodUntilMs = Math.min(sentAtMs + this.#maxAgeMs, found.endsAtMs);
    found.word = { origin: reply.origin, atMs: this.#nowMs(), goodUntilMs };
  }

  /** The store has recorded this completion now, or before: a copy of it must not prolong what is known of the record. */
  #completed(completion: ClaimRequest, sentAtMs: number): void {
    const { key, token, fingerprint, windowMs, leaseMs } = completion;
    if (this.#isClosed || this.#keys.get(key)?.token === token) return;
    // It is sent again for one lease at most: so much older than this call the record may be.
    const endsAtMs = sentAtMs + windowMs - leaseMs;
    this.#keys.set(key, { token, fingerprint, endsAtMs, word: undefined });
  }

  #drop(key: string): void {
    this.#forgets += 1;
    this.#keys.delete(key);
  }
}

/** As the record table has it: a fingerprint on one side only is no conflict. */
function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
