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
import { quote, traitsOf } from "@onlyonce/core/internal";

const NOWHERE: Origin = {};

/**
 * Stands before a store whose layout keeps of a completed key nothing but the fact. Refuses what could not be kept, and
 * does not send what would not be.
 */
export class BareStore implements Store {
  readonly system?: string;
  readonly commandTimeoutMs?: number;
  readonly maxReplicaWaitMs?: number;
  readonly completedRecords: "bare";
  readonly maxWindowMs: number;
  readonly #store: Store;
  readonly #checkLayout: () => Promise<readonly Finding[]>;

  constructor(store: Store, maxWindowMs: number, checkLayout: () => Promise<readonly Finding[]>) {
    this.#store = store;
    this.#checkLayout = checkLayout;
    Object.assign(this, traitsOf(store));
    this.completedRecords = "bare";
    this.maxWindowMs = maxWindowMs;
  }

  async claim(claims: readonly ClaimRequest[]): Promise<readonly ClaimReply[]> {
    for (const request of claims) this.#check(request);
    return this.#store.claim(claims);
  }

  async remember(claims: readonly ClaimRequest[]): Promise<readonly RememberReply[]> {
    for (const request of claims) this.#check(request);
    return this.#store.remember(claims.map((request) => ({ ...request, origin: NOWHERE })));
  }

  async start(held: readonly Held[]): Promise<readonly StartReply[]> {
    for (const request of held) this.#check(request);
    return this.#store.start(held);
  }

  async renew(held: readonly Held[]): Promise<readonly RenewReply[]> {
    for (const request of held) this.#check(request);
    return this.#store.renew(held);
  }

  async complete(completions: readonly Completion[]): Promise<readonly CompleteReply[]> {
    for (const completion of completions) {
      this.#check(completion);
      if (completion.result !== undefined) {
        throw new TypeError(
          "result must be left out: this layout of the Redis store keeps no results (replay)",
        );
      }
    }
    return this.#store.complete(
      completions.map((completion) => ({ ...completion, origin: NOWHERE })),
    );
  }

  async release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    for (const request of releases) this.#check(request);
    return this.#store.release(releases);
  }

  inspect(key: string): Promise<KeyRecord | undefined> {
    return this.#store.inspect(key);
  }

  forget(key: string, seen?: KeyRecord): Promise<boolean> {
    return this.#store.forget(key, seen);
  }

  async check(): Promise<readonly Finding[]> {
    return [...(await this.#store.check()), ...(await this.#checkLayout())];
  }

  onFinding(listener: (finding: Finding) => void): () => void {
    return this.#store.onFinding(listener);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #check({ fingerprint, windowMs }: ClaimRequest): void {
    if (fingerprint !== undefined) {
      throw new TypeError(
        "fingerprint must be left out: this layout of the Redis store keeps no fingerprints (conflicts)",
      );
    }
    if (windowMs > this.maxWindowMs) {
      throw new RangeError(
        `windowMs must be at most layout.windowMs (${this.maxWindowMs}), got ${quote(windowMs)}`,
      );
    }
  }
}
