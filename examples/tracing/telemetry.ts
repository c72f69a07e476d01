// The SDK of OpenTelemetry, with exporters into memory where yours would send to a collector.
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { AmqplibInstrumentation } from "@opentelemetry/instrumentation-amqplib";
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

const spanExporter = new InMemorySpanExporter();
const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: metricExporter });

/** Call it before the clients are imported. */
export function startTelemetry(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const spanProcessors = [new SimpleSpanProcessor({ exporter: spanExporter })];
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  registerInstrumentations({ instrumentations: [new AmqplibInstrumentation()] });
}

/** Those that have ended. */
export function collectedSpans(): readonly ReadableSpan[] {
  return spanExporter.getFinishedSpans();
}

export async function collectedMetrics(): Promise<readonly MetricData[]> {
  metricExporter.reset();
  await reader.forceFlush();
  const last = metricExporter.getMetrics().at(-1);
  return last?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
}
