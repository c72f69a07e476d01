import { createDeduplicator, memoryStore, type Observer } from "@onlyonce/core";
import { type OtelOptions, otelObserver, redactScriptArguments } from "@onlyonce/otel";
import { metrics, trace } from "@opentelemetry/api";

export const options: OtelOptions = {
  spans: "auto",
  metrics: true,
  storeTraceContext: true,
  links: true,
  recordKey: "hash",
  destination: ({ topic }) => topic.replace(/-\d+$/, ""),
  metricAttributes: ({ headers }) => ({ tier: String(headers?.tier), retried: false, size: 1 }),
  tracerProvider: trace.getTracerProvider(),
  meterProvider: metrics.getMeterProvider(),
};

export const observer: Observer = otelObserver(options);
export const dedup = createDeduplicator({
  store: memoryStore(),
  scope: "billing",
  observers: [otelObserver(), observer],
});
export const shown: string = redactScriptArguments("evalsha", ["sha", 1, Buffer.from("key")]);

// @ts-expect-error: no such mode
otelObserver({ spans: "all" });
// @ts-expect-error: no such option
otelObserver({ span: "off" });
// @ts-expect-error: only false, "hash" and "raw"
otelObserver({ recordKey: true });
