import {
  createDeduplicator,
  type Deduplicator,
  type Delivery,
  memoryStore,
  type Observer,
  type Store,
  type TopicPolicy,
} from "@onlyonce/core";
import { createDeduplicatorWith } from "@onlyonce/core/internal";
import { ManualClock } from "@onlyonce/testing";
import { context, type Span, trace } from "@opentelemetry/api";
import { type OtelOptions, otelObserver } from "../src/index.js";

/** Short times: lease 3 s, busy wait 2 s, longest processing 5 s. */
const POLICY: TopicPolicy = {
  ackTimeoutMs: 10_000,
  leaseMs: 3_000,
  busyWaitMs: 2_000,
  windowMs: 60_000,
  maxAttempts: 3,
};

export interface Scene {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly dedup: Deduplicator;
  /** Another process on the same store. */
  peer(options?: OtelOptions, policy?: TopicPolicy): Deduplicator;
}

/** A deduplicator under a manual clock that our observer looks at. */
export function scene(
  options: OtelOptions = {},
  policy: TopicPolicy = {},
  wrap: (store: Store, clock: ManualClock) => Store = (store) => store,
): Scene {
  const clock = new ManualClock();
  const store = wrap(memoryStore({ clock }), clock);
  const peer: Scene["peer"] = (own = options, more = {}) =>
    createDeduplicatorWith(
      {
        store,
        scope: "billing",
        defaults: { ...POLICY, ...policy, ...more },
        observers: [otelObserver(own)],
      },
      clock,
    );
  return { clock, store, dedup: peer(), peer };
}

/** The same on the real clock. */
export function guardedBy(...observers: readonly Observer[]): Deduplicator {
  return createDeduplicator({
    store: memoryStore(),
    scope: "billing",
    defaults: POLICY,
    observers,
  });
}

export function payment(id: string, more: Partial<Delivery> = {}): Delivery {
  return { topic: "payments", id, payload: { id }, ...more };
}

/** A record of a Kafka batch, as our adapter hands it over. */
export function record(id: string, offset: number, more: Partial<Delivery> = {}): Delivery {
  return payment(id, {
    coordinates: `payments/3/${offset}/0`,
    offset: String(offset),
    consumerGroup: "billing",
    transport: { system: "kafka", destination: "payments", partition: 3, isBatch: true },
    ...more,
  });
}

/** A message of RabbitMQ. */
export function message(id: string, more: Partial<Delivery> = {}): Delivery {
  return payment(id, {
    redelivered: false,
    transport: {
      system: "rabbitmq",
      destination: "payments",
      exchange: "orders",
      routingKey: "eu",
      deliveryTag: 7,
    },
    ...more,
  });
}

/** Runs `work` with a span of its own active, which ends afterwards unless it was ended before. */
export async function inSpan<Result>(
  name: string,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const span = trace.getTracer("test").startSpan(name);
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } finally {
    if (span.isRecording()) span.end();
  }
}

/** Waits for what must reject, and gives the error. */
export function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error("it should have rejected");
    },
    (error: unknown) => error,
  );
}
