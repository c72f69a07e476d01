import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
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
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterEach } from "vitest";

export interface Sdk {
  /** Ended spans, in the order of their ends. */
  readonly spans: readonly ReadableSpan[];
  /** The only ended span whose name begins like this. */
  span(name: string): ReadableSpan;
  /** Our metrics, by name. */
  metrics(): Promise<ReadonlyMap<string, MetricData>>;
  points(name: string): Promise<MetricData["dataPoints"]>;
}

const A_DAY_MS = 86_400_000;

/** Registers a real SDK, globally and until the test ends. */
export function startSdk(options: { readonly sampler?: Sampler } = {}): Sdk {
  const exporter = new InMemorySpanExporter();
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: A_DAY_MS,
    exportTimeoutMillis: 10_000,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...options,
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  const collected = async (): Promise<ReadonlyMap<string, MetricData>> => {
    metricExporter.reset();
    await reader.forceFlush();
    const last = metricExporter.getMetrics().at(-1);
    const all = last?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
    return new Map(all.map((metric) => [metric.descriptor.name, metric]));
  };
  return {
    get spans() {
      return exporter.getFinishedSpans();
    },
    span(name) {
      const found = exporter.getFinishedSpans().filter((span) => span.name.startsWith(name));
      const [first] = found;
      if (first === undefined || found.length > 1) {
        const names = exporter.getFinishedSpans().map((span) => span.name);
        throw new Error(`one span ${name}, please, not ${found.length}: ${names.join(", ")}`);
      }
      return first;
    },
    metrics: collected,
    points: async (name) => (await collected()).get(name)?.dataPoints ?? [],
  };
}

/** To be called before each test, and after it: the API takes an SDK only where there is none. */
export function stopSdk(): void {
  trace.disable();
  metrics.disable();
  context.disable();
  propagation.disable();
}

afterEach(stopSdk);
