import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { createDeduplicator, type Deduplicator, type TopicPolicy } from "@onlyonce/core";
import { otelObserver, redactScriptArguments } from "@onlyonce/otel";
import { redisStore } from "@onlyonce/redis";
import { RecordingObserver } from "@onlyonce/testing";
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { AmqplibInstrumentation } from "@opentelemetry/instrumentation-amqplib";
import { IORedisInstrumentation } from "@opentelemetry/instrumentation-ioredis";
import { KafkaJsInstrumentation } from "@opentelemetry/instrumentation-kafkajs";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { inject, onTestFinished } from "vitest";
import { until } from "../servers/deadline.js";

const exporter = new InMemorySpanExporter();
const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({
  exporter: metricExporter,
  exportIntervalMillis: 86_400_000,
});

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
export const amqplibInstrumentation: AmqplibInstrumentation = new AmqplibInstrumentation();
registerInstrumentations({
  instrumentations: [
    amqplibInstrumentation,
    new KafkaJsInstrumentation(),
    new IORedisInstrumentation({ dbStatementSerializer: redactScriptArguments }),
  ],
});

// Only what is required after the instrumentations are there is instrumented.
const required = createRequire(import.meta.url);
export const amqplib = required("amqplib") as typeof import("amqplib");
export const kafkajs = required("kafkajs") as typeof import("kafkajs");
const ioredis = required("ioredis") as typeof import("ioredis");

/** All that have ended so far, in that order. */
export function endedSpans(): readonly ReadableSpan[] {
  return exporter.getFinishedSpans();
}

/** Waits until so many spans of this name have ended, and gives them. */
export function spansNamed(name: string, count: number): Promise<readonly ReadableSpan[]> {
  return until(
    () => {
      const found = endedSpans().filter((span) => span.name === name);
      return found.length >= count ? found : undefined;
    },
    { what: `${count} spans named ${name}`, limitMs: 60_000 },
  );
}

export function childrenOf(parent: ReadableSpan): readonly ReadableSpan[] {
  const { spanId } = parent.spanContext();
  return endedSpans().filter((span) => span.parentSpanContext?.spanId === spanId);
}

/** Where a span is, as a link or a parent names it. */
export function placeOf(span: ReadableSpan | undefined) {
  const { traceId, spanId } = span?.spanContext() ?? {};
  return { traceId, spanId };
}

export async function allMetrics(): Promise<ReadonlyMap<string, MetricData>> {
  metricExporter.reset();
  await reader.forceFlush();
  const last = metricExporter.getMetrics().at(-1);
  const all = last?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
  return new Map(all.map((metric) => [metric.descriptor.name, metric]));
}

/** Runs `work` with a span of its own active. */
export async function inSpan<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const span = trace.getTracer("test").startSpan(name);
  try {
    return await context.with(trace.setSpan(context.active(), span), work);
  } finally {
    span.end();
  }
}

export interface Traced {
  readonly dedup: Deduplicator;
  readonly seen: RecordingObserver;
}

interface Place {
  /** Where two share one, they guard together. @defaultValue one of its own */
  readonly prefix?: string;
  /** @defaultValue the Redis of this run */
  readonly redisUrl?: string;
}

/** A deduplicator over Redis, through an instrumented client. Closed when the test ends. */
export function traced(policy: TopicPolicy = {}, place: Place = {}): Traced {
  const { prefix = `telemetry-${randomUUID()}:`, redisUrl = inject("redisUrl") } = place;
  const redis = new ioredis.Redis(redisUrl);
  redis.on("error", () => undefined);
  const seen = new RecordingObserver();
  const dedup = createDeduplicator({
    store: redisStore(redis, { prefix, commandTimeoutMs: 300 }),
    scope: "billing",
    defaults: { ackTimeoutMs: 60_000, leaseMs: 10_000, ...policy },
    observers: [otelObserver(), seen],
  });
  onTestFinished(async () => {
    await dedup.close({ drainMs: 100 });
    redis.disconnect();
  });
  return { dedup, seen };
}
