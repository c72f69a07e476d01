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
} from "@onlyonce/core";
import { Amnesia } from "./amnesia.js";
import type { CallQueue } from "./call-queue.js";
import { Deadlines } from "./deadlines.js";
import { type Entry, entryOf } from "./entry.js";
import { Findings } from "./findings.js";
import { Lane } from "./lane.js";
import { LocalCache } from "./local-cache.js";
import { forgetVerb, inspectVerb } from "./look-verbs.js";
import { type RedisStoreOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import type { RedisCommands } from "./redis-commands.js";
import { checkServer, serverNodes } from "./server-check.js";
import { storeClosed, timedOut } from "./store-error.js";
import { Ticket } from "./ticket.js";
import type { KeyedRequest, Verb } from "./verb.js";
import {
  claimVerb,
  completeVerb,
  releaseVerb,
  rememberVerb,
  renewVerb,
  startVerb,
} from "./verbs.js";

/** How often a working store looks whether its server is still the one that remembers. */
const LOOK_EVERY_MS = 60_000;

/**
 * Keeps one record per key in Redis 7.0 or newer, Valkey, or a Cluster of either. Every change is one atomic script on
 * the server's clock. Concurrent calls travel together. The client stays the caller's: configure it, watch it and close
 * it yourself, after the store.
 *
 * @throws TypeError or RangeError for a client or an option that can't work.
 */
export function redisStore(redis: RedisCommands, options: RedisStoreOptions = {}): Store {
  if (typeof redis?.evalsha !== "function" || typeof redis.eval !== "function") {
    // Not quoted: a URL may hold a password.
    throw new TypeError(`redis must be an ioredis client, got a value of type ${typeof redis}`);
  }
  const resolved = resolveOptions(options);
  const store = new RedisStore(redis, resolved);
  const { localCache } = resolved;
  return localCache === undefined
    ? store
    : new LocalCache(store, localCache, () => performance.now());
}

class RedisStore implements Store {
  readonly system = "redis";
  readonly commandTimeoutMs: number;
  readonly #redis: RedisCommands;
  readonly #options: ResolvedOptions;
  readonly #findings = new Findings(() => performance.now());
  readonly #amnesia: Amnesia;
  readonly #deadlines: Deadlines;
  /** One for a single server; one for each slot group of a Cluster. */
  readonly #lanes = new Map<string, Lane>();
  #lookAtMs = 0;
  #isClosed = false;

  constructor(redis: RedisCommands, options: ResolvedOptions) {
    this.commandTimeoutMs = options.commandTimeoutMs;
    this.#redis = redis;
    this.#options = options;
    this.#amnesia = new Amnesia(() => serverNodes(redis), this.#findings.tell);
    this.#deadlines = new Deadlines(
      options.commandTimeoutMs,
      () => timedOut(options.commandTimeoutMs),
      (nowMs) => {
        for (const lane of this.#lanes.values()) lane.expire(nowMs);
      },
    );
  }

  claim(claims: readonly ClaimRequest[]): Promise<readonly ClaimReply[]> {
    return this.#send(claims, claimVerb, (lane) => lane.claim);
  }

  remember(claims: readonly ClaimRequest[]): Promise<readonly RememberReply[]> {
    return this.#send(claims, rememberVerb, (lane) => lane.remember);
  }

  start(held: readonly Held[]): Promise<readonly StartReply[]> {
    return this.#send(held, startVerb, (lane) => lane.start);
  }

  renew(held: readonly Held[]): Promise<readonly RenewReply[]> {
    return this.#send(held, renewVerb, (lane) => lane.renew);
  }

  complete(completions: readonly Completion[]): Promise<readonly CompleteReply[]> {
    return this.#send(completions, completeVerb, (lane) => lane.complete);
  }

  release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    return this.#send(releases, releaseVerb, (lane) => lane.release);
  }

  async inspect(key: string): Promise<KeyRecord | undefined> {
    const look = { key, leaseMs: 1, windowMs: 1, revision: "" };
    const [reply] = await this.#send([look], inspectVerb, (lane) => lane.inspect);
    if (reply !== undefined && "error" in reply) throw reply.error;
    return reply?.record;
  }

  async forget(key: string, seen?: KeyRecord): Promise<boolean> {
    const look = { key, leaseMs: 1, windowMs: 1, revision: seen?.revision ?? "" };
    const [reply] = await this.#send([look], forgetVerb, (lane) => lane.forget);
    if (typeof reply === "object") throw reply.error;
    return reply === true;
  }

  async check(): Promise<readonly Finding[]> {
    if (this.#isClosed) throw storeClosed();
    return checkServer(this.#redis, this.#options);
  }

  onFinding(listener: (finding: Finding) => void): () => void {
    return this.#findings.subscribe(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #send<Request extends KeyedRequest, Reply>(
    requests: readonly Request[],
    verb: Verb<Request, Reply>,
    queueIn: (lane: Lane) => CallQueue<Request, Reply>,
  ): Promise<readonly (Reply | StoreFailure)[]> {
    if (this.#isClosed) return Promise.reject(storeClosed());
    if (requests.length === 0) return Promise.resolve([]);
    const ticket = new Ticket<Reply>(requests.length, this.#deadlines.next());
    const entries: Entry<Reply>[] = [];
    try {
      for (const request of requests) {
        entries.push(entryOf(ticket, entries.length, this.#options.prefix, request, verb));
      }
    } catch (error) {
      return Promise.reject(error);
    }
    this.#deadlines.watch(ticket);
    if (ticket.deadlineMs > this.#lookAtMs) this.#look(ticket.deadlineMs);
    for (const entry of entries) {
      const lane = this.#laneOf(entry.key);
      queueIn(lane).add(entry);
      lane.schedule();
    }
    return ticket.replies;
  }

  #laneOf(key: string): Lane {
    const group = this.#redis.isCluster === true ? key.charAt(this.#options.prefix.length + 1) : "";
    let lane = this.#lanes.get(group);
    if (lane === undefined) {
      lane = new Lane(this.#redis, this.#options, this.#findings.odd, this.#onNoScript);
      this.#lanes.set(group, lane);
    }
    return lane;
  }

  #look(nowMs: number): void {
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    void this.#amnesia.look();
  }

  /** A server that knows a script no more is often not the one that knew it. */
  readonly #onNoScript = (): void => {
    void this.#amnesia.look();
  };
}
