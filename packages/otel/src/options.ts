import type { Delivery } from "@onlyonce/core";
import {
  quote,
  refuseUnknown,
  requireFunction,
  requireObject,
  requireOneOf,
} from "@onlyonce/core/internal";
import type { MeterProvider, TracerProvider } from "@opentelemetry/api";

export interface OtelOptions {
  /**
   * `auto`: one span of ours for each message: a child of the active span, or a CONSUMER span where none is active.
   * `annotate`: no span; the active one is written to, unless it belongs to a batch. `off`: neither.
   * @defaultValue "auto"
   */
  readonly spans?: "auto" | "annotate" | "off";
  /** Whether instruments are recorded. @defaultValue true */
  readonly metrics?: boolean;
  /**
   * Whether the `traceparent` of the span that does the work (55 bytes a key) is kept with the record, for duplicates to
   * link to. @defaultValue true
   */
  readonly storeTraceContext?: boolean;
  /** Whether spans get links. `false` is for bridges that fail on them; the attributes stay. @defaultValue true */
  readonly links?: boolean;
  /**
   * What spans tell of the message key. `hash`: 16 hexadecimal digits of its digest. `raw`: the key itself and the Kafka
   * record key, which may be personal data. `false`: nothing. @defaultValue "hash"
   */
  readonly recordKey?: "hash" | "raw" | false;
  /** Names the destination in spans and metrics, such as a template of topics that are made per tenant. Must have few values. */
  readonly destination?: (delivery: Delivery) => string | undefined;
  /** More attributes for the metrics of messages. Must have few values: each combination is a series of its own. */
  readonly metricAttributes?: (
    delivery: Delivery,
  ) => Readonly<Record<string, string | number | boolean>>;
  /** @defaultValue the global one, at the time of each message */
  readonly tracerProvider?: TracerProvider;
  /** @defaultValue the global one, at the time of each message */
  readonly meterProvider?: MeterProvider;
}

export interface ResolvedOptions
  extends Pick<
    OtelOptions,
    "destination" | "metricAttributes" | "tracerProvider" | "meterProvider"
  > {
  readonly spans: "auto" | "annotate" | "off";
  readonly metrics: boolean;
  readonly storeTraceContext: boolean;
  readonly links: boolean;
  readonly recordKey: "hash" | "raw" | false;
}

const OPTIONS = [
  "spans",
  "metrics",
  "storeTraceContext",
  "links",
  "recordKey",
  "destination",
  "metricAttributes",
  "tracerProvider",
  "meterProvider",
] as const satisfies readonly (keyof OtelOptions)[];

/** Throws a TypeError or RangeError that names the option. */
export function resolveOptions(options: OtelOptions): ResolvedOptions {
  const given: unknown = options;
  requireObject("options", given);
  refuseUnknown("otelObserver", given, OPTIONS);
  const { destination, metricAttributes, tracerProvider, meterProvider } = options;
  if (destination !== undefined) requireFunction("destination", destination);
  if (metricAttributes !== undefined) requireFunction("metricAttributes", metricAttributes);
  requireProvider("tracerProvider", tracerProvider, "getTracer");
  requireProvider("meterProvider", meterProvider, "getMeter");
  const { spans = "auto", metrics = true, storeTraceContext = true, links = true } = options;
  const { recordKey = "hash" } = options;
  if (recordKey !== false && recordKey !== "hash" && recordKey !== "raw") {
    throw new TypeError(`recordKey must be "hash", "raw" or false, got ${quote(recordKey)}`);
  }
  return {
    spans: requireOneOf("spans", spans, ["auto", "annotate", "off"]),
    metrics: requireBoolean("metrics", metrics),
    storeTraceContext: requireBoolean("storeTraceContext", storeTraceContext),
    links: requireBoolean("links", links),
    recordKey,
    ...(destination !== undefined && { destination }),
    ...(metricAttributes !== undefined && { metricAttributes }),
    ...(tracerProvider !== undefined && { tracerProvider }),
    ...(meterProvider !== undefined && { meterProvider }),
  };
}

function requireBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") {
    throw new TypeError(`${name} must be true or false, got ${quote(value)}`);
  }
  return value;
}

function requireProvider(name: string, provider: unknown, method: string): void {
  if (provider === undefined) return;
  requireObject(name, provider);
  if (typeof provider[method] !== "function") {
    throw new TypeError(`${name} must have a method ${method}, got ${quote(provider)}`);
  }
}
