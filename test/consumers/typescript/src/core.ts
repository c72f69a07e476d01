import {
  type ClaimReply,
  type Clock,
  type Codec,
  type Context,
  cloudEvent,
  compose,
  coordinates,
  createDeduplicator,
  type Deduplicator,
  type Delivery,
  type Finding,
  firstOf,
  header,
  type Incident,
  type Json,
  jsonCodec,
  jsonField,
  type KeyRecord,
  type KeyStrategy,
  memoryStore,
  messageId,
  type Observer,
  OnlyOnceError,
  type OnlyOnceErrorCode,
  type Origin,
  type Outcome,
  type OutcomeEvent,
  PermanentError,
  payloadHash,
  type Replayed,
  type Settled,
  type Store,
} from "@onlyonce/core";
import { type Equal, expectTrue } from "./equal.js";

// Topics are inferred, and offered; messages of other topics have the defaults.
const dedup = createDeduplicator({
  store: memoryStore({ maxRecords: 10_000 }),
  scope: "billing",
  keySecret: new Uint8Array(32),
  defaults: { ackTimeoutMs: 60_000, onStoreDown: "wait", onMissingKey: "reject" },
  topics: {
    payments: { key: jsonField("/payment/id", "/id"), windowMs: 7 * 86_400_000, maxAttempts: 5 },
    "orders.*": {
      key: firstOf(header("idempotency-key"), messageId(), cloudEvent(), coordinates()),
      fingerprint: payloadHash({ algorithm: "adler32", verify: "sha256", maxBytes: 4_096 }),
      windowMs: (delivery) => Number(delivery.headers?.window) || undefined,
      mode: () => "shadow",
    },
  },
});
expectTrue<Equal<typeof dedup, Deduplicator<"payments" | "orders.*">>>();
expectTrue<Equal<Delivery<"payments">["topic"], "payments" | (string & {})>>();

const everyTopic: Deduplicator = createDeduplicator({ store: memoryStore(), scope: "all" });
await everyTopic.process({ topic: "anything", id: "1" }, () => undefined);

// What a handler is given and what it gives.
const settled = await dedup.process(
  { topic: "payments", id: "p-1", payload: { payment: { id: "p-1" } } },
  async (context) => {
    expectTrue<Equal<typeof context, Context>>();
    expectTrue<Equal<typeof context.signal, AbortSignal>>();
    expectTrue<Equal<typeof context.idempotencyKey, string>>();
    expectTrue<Equal<typeof context.attempt, number>>();
    context.skip();
    return 42;
  },
  {
    signal: AbortSignal.timeout(1_000),
    deadLetter: async ({ error, attempt }) => log(error, attempt),
  },
);
expectTrue<Equal<typeof settled, Settled<number>>>();
switch (settled.outcome) {
  case "processed":
  case "unprotected":
    expectTrue<Equal<typeof settled.value, number>>();
    break;
  case "claim_lost":
    expectTrue<Equal<typeof settled.value, number | undefined>>();
    break;
  case "duplicate":
    expectTrue<Equal<typeof settled.origin, Origin>>();
    break;
}

// With a codec, duplicates get the first result.
const codec: Codec<{ readonly receipt: string }> = jsonCodec({ maxBytes: 1_024 });
const replayed = await dedup.process({ topic: "payments" }, () => ({ receipt: "r-1" }), {
  replay: codec,
});
expectTrue<Equal<typeof replayed, Replayed<{ readonly receipt: string }>>>();

// What operators use.
const isDuplicate: boolean = await dedup.isDuplicate({ topic: "payments", id: "p-1" });
const record: KeyRecord | undefined = await dedup.inspect({ topic: "payments", id: "p-1" });
const isForgotten: boolean = await dedup.forget({ topic: "payments", id: "p-1" }, record);
const findings: readonly Finding[] = await dedup.check();
await dedup.close({ drainMs: 5_000 });

// Strategies, observers, stores and clocks of one's own.
const tenant: KeyStrategy = ({ headers, id }) =>
  id === undefined ? undefined : [String(headers?.tenant), id];
const keys: KeyStrategy = compose(tenant, header("region"), () => new Uint8Array([1]));
const observer: Observer = {
  around: (_delivery, next) => next(),
  traceparent: () => undefined,
  outcome: (event: OutcomeEvent) => log(event.delivery.topic, labelOf(event.outcome), event.detail),
  incident: ({ kind, error }: Incident) => log(kind, error),
  finding: ({ code, severity, message }) => log(code, severity, message),
};
const clock: Clock = { nowMs: () => 0, after: (_delayMs, _run) => () => undefined };
const json: Json = { list: [1, "two", null, { three: true }] };

function labelOf(outcome: Outcome): string {
  switch (outcome) {
    case "processed":
    case "failed":
    case "duplicate":
    case "busy":
    case "conflict":
    case "claim_lost":
    case "store_error":
    case "unprotected":
      return outcome;
  }
}

/** Counts claims; everything else goes on to the store inside. */
class CountingStore implements Store {
  claims = 0;
  readonly #inner: Store;
  constructor(inner: Store) {
    this.#inner = inner;
  }
  async claim(...[claims]: Parameters<Store["claim"]>): Promise<readonly ClaimReply[]> {
    this.claims += claims.length;
    return this.#inner.claim(claims);
  }
  remember: Store["remember"] = (claims) => this.#inner.remember(claims);
  start: Store["start"] = (held) => this.#inner.start(held);
  renew: Store["renew"] = (held) => this.#inner.renew(held);
  complete: Store["complete"] = (completions) => this.#inner.complete(completions);
  release: Store["release"] = (releases) => this.#inner.release(releases);
  inspect: Store["inspect"] = (key) => this.#inner.inspect(key);
  forget: Store["forget"] = (key, seen) => this.#inner.forget(key, seen);
  check: Store["check"] = () => this.#inner.check();
  onFinding: Store["onFinding"] = (listener) => this.#inner.onFinding(listener);
  close: Store["close"] = () => this.#inner.close();
}
createDeduplicator({
  store: new CountingStore(memoryStore({ clock })),
  scope: "s",
  observers: [observer],
});

// Errors are told apart by code.
try {
  throw new PermanentError("no such account", { cause: json });
} catch (error) {
  if (OnlyOnceError.is(error)) {
    expectTrue<Equal<typeof error.code, OnlyOnceErrorCode>>();
    log(error.retriable, error.retryAfterMs);
  } else if (PermanentError.is(error)) log(error.message);
}

function log(...values: readonly unknown[]): void {
  void values;
}
log(isDuplicate, isForgotten, findings, keys);

// What must not compile.
// @ts-expect-error a scope is required
createDeduplicator({ store: memoryStore() });
// @ts-expect-error an unknown option
createDeduplicator({ store: memoryStore(), scope: "s", ttl: 60 });
// @ts-expect-error an unknown option of a topic
createDeduplicator({ store: memoryStore(), scope: "s", topics: { a: { leaseSeconds: 30 } } });
// @ts-expect-error a duration is a number of milliseconds
createDeduplicator({ store: memoryStore(), scope: "s", defaults: { leaseMs: "30s" } });
// @ts-expect-error not one of the modes
createDeduplicator({ store: memoryStore(), scope: "s", defaults: { mode: "dry-run" } });
// @ts-expect-error a store has more methods
createDeduplicator({ store: { claim: async () => [] }, scope: "s" });
// @ts-expect-error a topic is a string
void dedup.process({ topic: 1, id: "p-1" }, () => undefined);
// @ts-expect-error the codec is for other results
void dedup.process({ topic: "payments" }, () => "r-1", { replay: codec });
// @ts-expect-error a deduplicator of topics does not have others
expectTrue<Equal<typeof dedup, Deduplicator<"payments" | "refunds">>>();
// @ts-expect-error results must be JSON
jsonCodec<Date>();
// @ts-expect-error `adler32` confirms nothing
payloadHash({ verify: "adler32" });
