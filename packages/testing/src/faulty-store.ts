import type {
  ClaimReply,
  ClaimRequest,
  Clock,
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

export type StoreVerb = "claim" | "remember" | "start" | "renew" | "complete" | "release";

export type StoreFault =
  /** Rejects, with the call not executed (`before`) or executed and its reply lost (`after`). */
  | { readonly kind: "fail"; readonly when: "before" | "after"; readonly error?: unknown }
  /** Is not answered until the store is closed. */
  | { readonly kind: "hang"; readonly when: "before" | "after" }
  /** Takes `ms` longer by the clock, before or after it is executed. */
  | { readonly kind: "delay"; readonly when: "before" | "after"; readonly ms: number }
  /** Is executed twice, as by a client that resends; answers what the second execution answered. */
  | { readonly kind: "twice" }
  /** Is executed and answered; a copy waits for `deliverLate`. */
  | { readonly kind: "copy" }
  /** Rejects; its only execution waits for `deliverLate`, as of a command that had left when its sender gave up. */
  | { readonly kind: "hold"; readonly error?: unknown }
  /** Answers a failure for every key; nothing is executed. */
  | { readonly kind: "refuse"; readonly error?: unknown };

/** One call as the wrapped store was asked for it, executed or not. */
export interface StoreCall {
  readonly verb: StoreVerb;
  readonly keys: readonly string[];
}

/** Wraps a store and does to its calls what networks, proxies and dying servers do. */
export class FaultyStore implements Store {
  readonly commandTimeoutMs?: number;
  readonly maxReplicaWaitMs?: number;
  /** Every call so far, in order. */
  readonly calls: StoreCall[] = [];
  readonly #inner: Store;
  readonly #clock: Clock;
  readonly #scripts = new Map<StoreVerb, (StoreFault | undefined)[]>();
  readonly #standing = new Map<StoreVerb, StoreFault>();
  readonly #hanging = new Set<(error: unknown) => void>();
  #late: (() => Promise<readonly unknown[]>)[] = [];

  constructor(inner: Store, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
    if (inner.commandTimeoutMs !== undefined) this.commandTimeoutMs = inner.commandTimeoutMs;
    if (inner.maxReplicaWaitMs !== undefined) this.maxReplicaWaitMs = inner.maxReplicaWaitMs;
  }

  /** What happens to the next calls of `verb`, one fault per call; undefined lets one pass. */
  next(verb: StoreVerb, ...faults: readonly (StoreFault | undefined)[]): void {
    this.#scripts.set(verb, [...(this.#scripts.get(verb) ?? []), ...faults]);
  }

  /** What happens to every call of these verbs for which `next` says nothing, until `restore`. */
  always(verbs: readonly StoreVerb[], fault: StoreFault): void {
    for (const verb of verbs) this.#standing.set(verb, fault);
  }

  /** Ends all faults. Calls that hang go on hanging; what waits for `deliverLate` goes on waiting. */
  restore(): void {
    this.#scripts.clear();
    this.#standing.clear();
  }

  /** How many calls of a verb were made. */
  count(verb: StoreVerb): number {
    return this.calls.filter((call) => call.verb === verb).length;
  }

  /** Executes what was held back, in the order in which it was sent; resolves with the replies, call by call. */
  async deliverLate(): Promise<readonly (readonly unknown[])[]> {
    const late = this.#late;
    this.#late = [];
    const replies: (readonly unknown[])[] = [];
    for (const execute of late) replies.push(await execute());
    return replies;
  }

  claim(claims: readonly ClaimRequest[]): Promise<readonly ClaimReply[]> {
    return this.#call<ClaimReply>("claim", claims, () => this.#inner.claim(claims));
  }

  remember(claims: readonly ClaimRequest[]): Promise<readonly RememberReply[]> {
    return this.#call<RememberReply>("remember", claims, () => this.#inner.remember(claims));
  }

  start(held: readonly Held[]): Promise<readonly StartReply[]> {
    return this.#call<StartReply>("start", held, () => this.#inner.start(held));
  }

  renew(held: readonly Held[]): Promise<readonly RenewReply[]> {
    return this.#call<RenewReply>("renew", held, () => this.#inner.renew(held));
  }

  complete(completions: readonly Completion[]): Promise<readonly CompleteReply[]> {
    const execute = () => this.#inner.complete(completions);
    return this.#call<CompleteReply>("complete", completions, execute);
  }

  release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    return this.#call<ReleaseReply>("release", releases, () => this.#inner.release(releases));
  }

  inspect(key: string): Promise<KeyRecord | undefined> {
    return this.#inner.inspect(key);
  }

  forget(key: string, seen?: KeyRecord): Promise<boolean> {
    return this.#inner.forget(key, seen);
  }

  check(): Promise<readonly Finding[]> {
    return this.#inner.check();
  }

  onFinding(listener: (finding: Finding) => void): () => void {
    return this.#inner.onFinding(listener);
  }

  async close(): Promise<void> {
    this.#late = [];
    for (const reject of this.#hanging) reject(new Error("the store was closed unanswered"));
    this.#hanging.clear();
    await this.#inner.close();
  }

  async #call<Reply>(
    verb: StoreVerb,
    requests: readonly ClaimRequest[],
    execute: () => Promise<readonly (Reply | StoreFailure)[]>,
  ): Promise<readonly (Reply | StoreFailure)[]> {
    this.calls.push({ verb, keys: requests.map((request) => request.key) });
    const script = this.#scripts.get(verb) ?? [];
    const fault = script.length > 0 ? script.shift() : this.#standing.get(verb);
    if (fault === undefined) return execute();
    switch (fault.kind) {
      case "fail":
        if (fault.when === "after") await execute();
        throw fault.error ?? new Error(`${verb} was not answered`);
      case "hang":
        if (fault.when === "after") await execute();
        return this.#hang();
      case "delay":
        return this.#delay(fault, execute);
      case "twice":
        await execute();
        return execute();
      case "copy":
        this.#late.push(execute);
        return execute();
      case "hold":
        this.#late.push(execute);
        throw fault.error ?? new Error(`${verb} was not answered in time`);
      case "refuse": {
        const error = fault.error ?? new Error(`${verb} was refused`);
        return requests.map(() => ({ status: "error", error }));
      }
    }
  }

  #hang(): Promise<never> {
    return new Promise((_, reject) => {
      this.#hanging.add(reject);
    });
  }

  async #delay<Replies>(
    { when, ms }: { readonly when: "before" | "after"; readonly ms: number },
    execute: () => Promise<Replies>,
  ): Promise<Replies> {
    const elapsed = () =>
      new Promise<void>((resolve) => {
        this.#clock.after(ms, resolve);
      });
    if (when === "before") await elapsed();
    const replies = await execute();
    if (when === "after") await elapsed();
    return replies;
  }
}
