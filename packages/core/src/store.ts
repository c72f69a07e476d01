import type { Origin } from "./delivery.js";

/** How many replicas must have a claim or completion before it counts, and how long to wait for them. */
export interface ReplicaWait {
  /** At least 1. */
  readonly min: number;
  /** In milliseconds, at least 1 and at most the store's `maxReplicaWaitMs`. */
  readonly timeoutMs: number;
}

/** A request for the exclusive, expiring right to run the handler for a key. */
export interface ClaimRequest {
  /** Digest of scope, topic and message key: 22 base64url characters. Opaque to the store. */
  readonly key: string;
  /** Owner token: unique per delivery, kept over retries of the same claim, new after a release. */
  readonly token: string;
  /** How long the claim lasts without renewal, in milliseconds. */
  readonly leaseMs: number;
  /** How long a completed key is remembered; an uncompleted record lives as long, in milliseconds. */
  readonly windowMs: number;
  readonly origin: Origin;
  /** Digest of the payload. A completed record with another one answers `conflict`. */
  readonly fingerprint?: string;
  /**
   * A claim is granted, and a completion or `remember` recorded, only if so many replicas have it. Otherwise the answer
   * is a failure, although the change may stand: to be asked for again with the same token.
   */
  readonly replicas?: ReplicaWait;
}

/** A claim that was granted. */
export interface Held extends ClaimRequest {
  /** Counts the grants of the record, so that a late copy of an earlier one changes nothing. */
  readonly grant: number;
}

/** The store could not answer for this key alone. */
export interface StoreFailure {
  readonly status: "error";
  readonly error: unknown;
  /**
   * The store works, but this record can't be read (a newer version wrote it). Fails closed whatever the policy, and is
   * not retried in place. Absent: the store may be down for this key, such as one node of a Cluster.
   */
  readonly unreadable?: true;
}

/** What a granted claim tells its owner. */
interface Granted {
  readonly grant: number;
  /** Failures and marked starts of this key before this grant, plus one. */
  readonly attempt: number;
  /** A lapse was seen on this record: mark the start, and await the answer, before the handler runs. */
  readonly suspect: boolean;
}

export type ClaimReply =
  | ({ readonly status: "acquired" } & Granted)
  | ({
      readonly status: "reclaimed";
      /** True when the former owner's lease lapsed; false after a release. */
      readonly takeover: boolean;
      readonly previous: Origin;
    } & Granted)
  | { readonly status: "duplicate"; readonly origin: Origin; readonly result?: Uint8Array }
  | { readonly status: "conflict"; readonly origin: Origin }
  | { readonly status: "busy"; readonly leaseLeftMs: number; readonly origin: Origin }
  /** This token was released before: draw a new one. */
  | { readonly status: "stale" }
  | StoreFailure;

export type RememberReply =
  | { readonly status: "new" }
  | { readonly status: "duplicate" | "conflict"; readonly origin: Origin }
  | StoreFailure;

export type StartReply = "ok" | "lost" | StoreFailure;
export type RenewReply = "ok" | "restored" | "lost" | StoreFailure;
export type CompleteReply = "ok" | "late" | "vanished" | "stolen" | StoreFailure;
export type ReleaseReply = "ok" | "lost" | StoreFailure;

/** Without `grant`: a claim whose answer was never seen; the token alone decides. */
export type Completion = (Held | (ClaimRequest & { readonly grant?: undefined })) & {
  readonly result?: Uint8Array;
};

/** `failed`: one more attempt. `unstarted`: nothing was tried; a marked start is taken back. `reset`: attempts 0. */
export type Release =
  | (Held & { readonly as: "failed" | "unstarted" | "reset" })
  | (ClaimRequest & { readonly grant?: undefined; readonly as: "unstarted" });

/** What the store knows of a key. */
export interface KeyRecord {
  readonly state: "claimed" | "failed" | "completed";
  /** Failures and marked starts so far; absent on completed records. */
  readonly attempt?: number;
  readonly origin: Origin;
  /** Until the store forgets the key, in milliseconds. */
  readonly expiresInMs: number;
  /** Names this state of this record for `forget`; opaque. */
  readonly revision: string;
}

/** Something an operator should know about the store or its settings. */
export interface Finding {
  readonly code: string;
  readonly severity: "info" | "warning" | "error";
  readonly message: string;
}

/**
 * Keeps one record per key, changed only by atomic calls. Batch-first: replies come in the order of the requests.
 * Every call may be executed twice and its copy may arrive late; the record table (`record-table.ts`) says what each
 * call answers. Keys of one call may repeat; they are then executed in order. A call that fails as a whole rejects; every call settles in bounded time.
 */
export interface Store {
  /** What keeps the records, as OpenTelemetry names database systems: `redis`. Undefined: this process does. */
  readonly system?: string;
  /** How long a call may take before it rejects, in milliseconds; at most a sixth of every lease. Undefined: calls do no I/O. */
  readonly commandTimeoutMs?: number;
  /** Longest wait for replicas that a request may ask for, in milliseconds. Undefined: the store knows no replicas. */
  readonly maxReplicaWaitMs?: number;
  /**
   * `bare`: of a completed key nothing is kept but the fact. Duplicates come without origin; a claim with a fingerprint or a
   * completion with a result rejects; a copy of a completion has a lease's time to be answered like the first one.
   * Undefined: `full`.
   */
  readonly completedRecords?: "full" | "bare";
  /** Longest window that a request may ask for, in milliseconds. Undefined: any. */
  readonly maxWindowMs?: number;
  claim(claims: readonly ClaimRequest[]): Promise<readonly ClaimReply[]>;
  /** Claims and completes in one atomic step: at most once. A live claim by somebody else counts as duplicate. */
  remember(claims: readonly ClaimRequest[]): Promise<readonly RememberReply[]>;
  /** Marks the start of a handler, once per grant, and renews. Awaited before the handler runs after a takeover. */
  start(held: readonly Held[]): Promise<readonly StartReply[]>;
  renew(held: readonly Held[]): Promise<readonly RenewReply[]>;
  complete(completions: readonly Completion[]): Promise<readonly CompleteReply[]>;
  release(releases: readonly Release[]): Promise<readonly ReleaseReply[]>;
  inspect(key: string): Promise<KeyRecord | undefined>;
  /** Removes only the record that `seen` describes (default: as it is now), never a live claim. */
  forget(key: string, seen?: KeyRecord): Promise<boolean>;
  /** Looks at the server and its settings; each finding says what can go wrong and what mends it. */
  check(): Promise<readonly Finding[]>;
  /** Called with findings made while working, such as a malformed record. Returns the unsubscriber. */
  onFinding(listener: (finding: Finding) => void): () => void;
  /** Rejects further calls. Never closes a connection that the caller opened. */
  close(): Promise<void>;
}
