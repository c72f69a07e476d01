import { appendFileSync, writeFileSync } from "node:fs";
import type { Observer } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
import { context, metrics, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { DrawnSpan, TelemetryFiles } from "./telemetry-files.js";

/** A consumer may be killed at any time: what it has counted is never older than this, in milliseconds. */
const EXPORT_EVERY_MS = 250;

/** Starts OpenTelemetry's SDK with exporters that write into files, where yours would send to a collector. */
export function startTelemetry(consumer: string, files: TelemetryFiles): Observer {
  const spanExporter = {
    export(spans: readonly ReadableSpan[], done: (result: ExportResult) => void): void {
      const lines = spans.map((span) => `${JSON.stringify(drawn(consumer, span))}\n`);
      appendFileSync(files.spans, lines.join(""));
      done({ code: ExportResultCode.SUCCESS });
    },
    shutdown: async () => undefined,
  };
  const metricExporter = {
    export(collected: ResourceMetrics, done: (result: ExportResult) => void): void {
      writeFileSync(files.counts, JSON.stringify(countsOf(collected)));
      done({ code: ExportResultCode.SUCCESS });
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: EXPORT_EVERY_MS,
    exportTimeoutMillis: EXPORT_EVERY_MS,
  });
  const spanProcessors = [new SimpleSpanProcessor({ exporter: spanExporter })];
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  // The names of queue and topic are made up for one run.
  return otelObserver({ destination: ({ topic }) => topic.replace(/^demo-|-[0-9a-f]+$/g, "") });
}

function drawn(consumer: string, span: ReadableSpan): DrawnSpan {
  const { traceId, spanId } = span.spanContext();
  const [link] = span.links.filter(({ attributes }) => attributes !== undefined);
  return {
    consumer,
    name: span.name,
    traceId,
    spanId,
    outcome: String(span.attributes["idempotency.outcome"]),
    kind: String(span.attributes["idempotency.duplicate.kind"]),
    ageSeconds: Number(span.attributes["idempotency.duplicate.age"]),
    ...(link !== undefined && {
      link: { type: String(link.attributes?.["idempotency.link.type"]), ...placeOf(link) },
    }),
  };
}

function placeOf({ context: { traceId, spanId } }: ReadableSpan["links"][number]) {
  return { traceId, spanId };
}

/** Deliveries by outcome. */
function countsOf({ scopeMetrics }: ResourceMetrics): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { descriptor, dataPoints } of scopeMetrics.flatMap((scope) => scope.metrics)) {
    if (descriptor.name !== "idempotency.messages") continue;
    for (const { attributes, value } of dataPoints) {
      const outcome = String(attributes["idempotency.outcome"]);
      counts[outcome] = (counts[outcome] ?? 0) + Number(value);
    }
  }
  return counts;
}
