import { createDeduplicator, memoryStore, type Observer } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
import { context, metrics, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, InMemorySpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import { hold, type ScenarioResult } from "./contest.js";

const SLICE = 2_000;
const SLICES = 15;

/**
 * What does telemetry add to a message? Microseconds for each message of a memory store, with the observer less without
 * it, in turns of 2,000 messages: where no SDK is registered, and with one that batches and exports into memory.
 */
export async function telemetry(
  rounds: number,
  onResult: (result: ScenarioResult) => void,
): Promise<void> {
  const added = (observer: () => Observer) => () => addedMicroseconds(observer());
  const result = await hold(
    {
      name: "telemetry, added to a message",
      unit: "p50 µs",
      ours: { name: "without_sdk", round: added(otelObserver) },
      peers: [
        {
          name: "observer_that_does_nothing",
          round: added(() => ({ around: (_, next) => next() })),
        },
        { name: "with_sdk_in_memory", round: withSdk(added(otelObserver)) },
      ],
    },
    rounds,
  );
  onResult(result);
}

async function addedMicroseconds(observer: Observer): Promise<number> {
  const plain = run([]);
  const observed = run([observer]);
  const differences: number[] = [];
  for (let slice = 0; slice < SLICES; slice += 1) {
    const isPlainFirst = slice % 2 === 0;
    const first = await (isPlainFirst ? plain : observed)();
    const second = await (isPlainFirst ? observed : plain)();
    differences.push(isPlainFirst ? second - first : first - second);
  }
  return differences.sort((a, b) => a - b)[SLICES >> 1] ?? Number.NaN;
}

/** Gives microseconds of processor time a message: others on this machine cost none. */
function run(observers: readonly Observer[]): () => Promise<number> {
  const dedup = createDeduplicator({
    store: memoryStore(),
    scope: "bench",
    defaults: { ackTimeoutMs: 60_000, windowMs: 120_000 },
    observers,
  });
  let messages = 0;
  return async () => {
    const before = process.cpuUsage();
    for (let left = SLICE; left > 0; left -= 1) {
      messages += 1;
      await dedup.process({ topic: "payments", id: String(messages) }, () => undefined);
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / SLICE;
  };
}

function withSdk(round: () => Promise<number>): () => Promise<number> {
  return async () => {
    const exporter = new InMemorySpanExporter();
    const spans = new TracerProvider({
      spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: 100_000 })],
    });
    const reader = new PeriodicExportingMetricReader({
      exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    });
    const meters = new MeterProvider({ readers: [reader] });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(spans);
    metrics.setGlobalMeterProvider(meters);
    try {
      return await round();
    } finally {
      trace.disable();
      metrics.disable();
      context.disable();
      await Promise.all([spans.shutdown(), meters.shutdown()]);
    }
  };
}
