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
  ReplicaWait,
  StartReply,
  Store,
  StoreFailure,
} from "@onlyonce/core";
import { Amnesia } from "./amnesia.js";
import { BareStore } from "./bare-store.js";
import { checkCalls } from "./call-check.js";
import type { CallQueue } from "./call-queue.js";
import { Deadlines } from "./deadlines.js";
import { type Entry, entryOf } from "./entry.js";
import { Findings } from "./findings.js";
import { Lane } from "./lane.js";
import { checkLayout } from "./layout-check.js";
import { LocalCache } from "./local-cache.js";
import { forgetVerb, inspectVerb } from "./look-verbs.js";
import { type RedisStoreOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import type { RedisCommands } from "./redis-commands.js";
import { Replication, wantReplicas } from "./replication.js";
import { checkServer, serverNodes } from "./server-check.js";
import { SlicedCommands } from "./sliced-commands.js";
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
import { canWait, WaitingConnection } from "./waiting-connection.js";

/** The part of `commandTimeoutMs` that a wait for replicas may take: two of them, one behind the other, fit. */
const REPLICA_WAIT_SHARE = 1 / 3;

/** How often a working store looks whether its server is still the one that remembers. */
const LOOK_EVERY_MS = 60_000;

function waitName({ min, timeoutMs }: ReplicaWait): string {
  return `${min}/${timeoutMs}`;
}

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
  const { localCache, slices } = resolved;
  const keeper = new RedisStore(redis, resolved);
  const store =
    slices === undefined
      ? keeper
      : new BareStore(keeper, slices.windowMs, () => checkLayout(redis, slices, resolved));
  return localCache === undefined
    ? store
    : new LocalCache(store, localCache, () => performance.now());
}

class RedisStore implements Store {
  readonly system = "redis";
  readonly commandTimeoutMs: number;
  readonly maxReplicaWaitMs?: number;
  readonly #redis: RedisCommands;
  readonly #options: ResolvedOptions;
  readonly #findings = new Findings(() => performance.now());
  readonly #amnesia: Amnesia;
  readonly #deadlines: Deadlines;
  /** One for a single server; one for each slot group of a Cluster. */
  readonly #lanes = new Map<string, Lane>();
  readonly #replication = new Replication((requests, verb, queueIn, wait) =>
    this.#send(requests, verb, queueIn, wait),
  );
  /** One for each way of waiting for replicas. */
  readonly #waiting = new Map<string, WaitingConnection>();
  #lookAtMs = 0;
  #isClosed = false;

  constructor(redis: RedisCommands, options: ResolvedOptions) {
    this.commandTimeoutMs = options.commandTimeoutMs;
    this.#redis = redis;
    this.#options = options;
    if (canWait(redis)) {
      this.maxReplicaWaitMs = Math.floor(options.commandTimeoutMs * REPLICA_WAIT_SHARE);
    }
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
    const replies = this.#send(claims, claimVerb, (lane) => lane.claim);
    return wantReplicas(claims) ? this.#replication.claims(claims, replies) : replies;
  }

  remember(claims: readonly ClaimRequest[]): Promise<readonly RememberReply[]> {
    const replies = this.#send(claims, rememberVerb, (lane) => lane.remember);
    return wantReplicas(claims) ? this.#replication.remembered(claims, replies) : replies;
  }

  start(held: readonly Held[]): Promise<readonly StartReply[]> {
    return this.#send(held, startVerb, (lane) => lane.start);
  }

  renew(held: readonly Held[]): Promise<readonly RenewReply[]> {
    return this.#send(held, renewVerb, (lane) => lane.renew);
  }

  complete(completions: readonly Completion[]): Promise<readonly CompleteReply[]> {
    const replies = this.#send(completions, completeVerb, (lane) => lane.complete);
    return wantReplicas(completions)
      ? this.#replication.completions(completions, replies)
      : replies;
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
    const wantedReplicas = Math.max(0, ...[...this.#waiting.values()].map(({ min }) => min));
    const findings = await checkServer(this.#redis, this.#options, wantedReplicas);
    return [...findings, ...(await checkCalls(this))];
  }

  onFinding(listener: (finding: Finding) => void): () => void {
    return this.#findings.subscribe(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endWaiting();
  }

  #send<Request extends KeyedRequest, Reply>(
    requests: readonly Request[],
    verb: Verb<Request, Reply>,
    queueIn: (lane: Lane) => CallQueue<Request, Reply>,
    wait?: ReplicaWait,
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
      const lane = this.#laneOf(entry.key, wait);
      queueIn(lane).add(entry);
      lane.schedule();
    }
    return ticket.replies;
  }

  #laneOf(key: string, wait: ReplicaWait | undefined): Lane {
    const group = this.#redis.isCluster === true ? key.charAt(this.#options.prefix.length + 1) : "";
    const name = wait === undefined ? group : `${waitName(wait)}/${group}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      const commands = wait === undefined ? this.#redis : this.#waitingConnection(wait);
      // What comes while replicas are waited for shares the next wait.
      const options =
        wait === undefined ? this.#options : { ...this.#options, maxCallsInFlight: 1 };
      const { slices } = options;
      const sent = slices === undefined ? commands : new SlicedCommands(commands, slices, options);
      lane = new Lane(sent, options, this.#findings.odd, this.#onNoScript);
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #waitingConnection(wait: ReplicaWait): WaitingConnection {
    const name = waitName(wait);
    let connection = this.#waiting.get(name);
    if (connection === undefined) {
      connection = new WaitingConnection(this.#redis, wait, this.#endWaiting);
      this.#waiting.set(name, connection);
    }
    return connection;
  }

  /** Ours to end: the store's user opened the client, and each of these is a copy of it. */
  readonly #endWaiting = (): void => {
    for (const [name, connection] of this.#waiting) {
      connection.close();
      for (const lane of this.#lanes.keys())
        if (lane.startsWith(`${name}/`)) this.#lanes.delete(lane);
    }
    this.#waiting.clear();
  };

  #look(nowMs: number): void {
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    void this.#amnesia.look();
  }

  /** A server that knows a script no more is often not the one that knew it. */
  readonly #onNoScript = (): void => {
    void this.#amnesia.look();
  };
}
