import type { AttendOptions } from "./attend.js";
import type { Deduplicator, ProcessOptions, Replayed, Settled } from "./deduplicator.js";
import type { Delivery } from "./delivery.js";
import { attachEngine, type Engine } from "./engine.js";
import type { Handler } from "./handler.js";
import { quote, requireFunction, requireInteger, requireObject } from "./option-checks.js";
import { replayed, settled } from "./process-result.js";
import { closedError, conflictError, requireKey, storeError } from "./refusals.js";
import { rememberOnce } from "./remember-call.js";
import type { Codec } from "./replay.js";
import type { ClaimRequest, Finding, KeyRecord, Store } from "./store.js";
import { subjectOf } from "./subject.js";

/** The deduplicator that users hold, on top of the engine. */
export class GuardedDeduplicator<Topic extends string> implements Deduplicator<Topic> {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
    attachEngine(this, engine);
  }

  process<Result>(
    delivery: Delivery<Topic>,
    handler: Handler<Result>,
    options: ProcessOptions & { readonly replay: Codec<Result> },
  ): Promise<Replayed<Result>>;
  process<Result>(
    delivery: Delivery<Topic>,
    handler: Handler<Result>,
    options?: ProcessOptions,
  ): Promise<Settled<Result>>;
  async process<Result>(
    delivery: Delivery<Topic>,
    handler: Handler<Result>,
    options: ProcessOptions & { readonly replay?: Codec<Result> } = {},
  ): Promise<Replayed<Result> | Settled<Result>> {
    requireDelivery(delivery);
    requireFunction("handler", handler);
    const { replay, signal } = options;
    if (replay !== undefined && this.#engine.store.completedRecords === "bare") {
      throw new TypeError("replay must be left out: the store keeps no results of completed keys");
    }
    const attendOptions: AttendOptions = {
      deadLetter: options.deadLetter ?? leaveToCaller,
      ...(signal === undefined ? undefined : { signal }),
      ...(replay === undefined
        ? undefined
        : { encode: (value) => encode(replay, value as Result) }),
    };
    const verdict = await this.#engine.attend(delivery, handler, attendOptions);
    return replay === undefined ? settled(verdict, options) : replayed(verdict, replay, options);
  }

  async isDuplicate(delivery: Delivery<Topic>): Promise<boolean> {
    this.#requireOpen();
    requireDelivery(delivery);
    const subject = subjectOf(this.#engine, delivery);
    if (subject.mode === "off") return false;
    const request: ClaimRequest = {
      key: requireKey(subject),
      token: this.#engine.tokens.next(),
      leaseMs: subject.policy.leaseMs,
      windowMs: subject.windowMs,
      origin: delivery.coordinates === undefined ? {} : { coordinates: delivery.coordinates },
      ...(subject.fingerprint === undefined ? undefined : { fingerprint: subject.fingerprint }),
      ...(subject.policy.replicas === undefined
        ? undefined
        : { replicas: subject.policy.replicas }),
    };
    const reply = await this.#store(() => rememberOnce(this.#engine, subject, request));
    if (reply === undefined || reply.status === "error") throw storeError(reply?.error);
    if (reply.status === "conflict") throw conflictError(delivery);
    return reply.status === "duplicate" && subject.mode === "enforce";
  }

  async inspect(delivery: Delivery<Topic>): Promise<KeyRecord | undefined> {
    const key = this.#keyOf(delivery);
    return this.#store((store) => store.inspect(key));
  }

  async forget(delivery: Delivery<Topic>, seen?: KeyRecord): Promise<boolean> {
    const key = this.#keyOf(delivery);
    return this.#store((store) => store.forget(key, seen));
  }

  check(): Promise<readonly Finding[]> {
    return this.#store((store) => store.check());
  }

  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    const drainMs = requireInteger("close.drainMs", options.drainMs ?? 30_000, 0, 3_600_000);
    await this.#engine.close(drainMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #store<Reply>(call: (store: Store) => Promise<Reply>): Promise<Reply> {
    try {
      return await call(this.#engine.store);
    } catch (error) {
      throw storeError(error);
    }
  }

  #keyOf(delivery: Delivery): string {
    requireDelivery(delivery);
    return requireKey(subjectOf(this.#engine, delivery));
  }

  #requireOpen(): void {
    if (this.#engine.closing.aborted) throw closedError();
  }
}

function requireDelivery(delivery: unknown): void {
  requireObject("delivery", delivery);
  if (typeof delivery.topic !== "string" || delivery.topic === "") {
    throw new TypeError(`delivery.topic must be a non-empty string, got ${quote(delivery.topic)}`);
  }
}

/** The caller of `process` is the dead-letter path: it is told by the rejection. */
function leaveToCaller(): Promise<void> {
  return Promise.resolve();
}

function encode<Result>(codec: Codec<Result>, value: Result): Uint8Array {
  const bytes = codec.encode(value);
  if (bytes.byteLength > codec.maxBytes) {
    throw new RangeError(
      `a result of ${bytes.byteLength} bytes is over the codec's maxBytes of ${codec.maxBytes}`,
    );
  }
  return bytes;
}
