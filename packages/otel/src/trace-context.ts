import {
  isSpanContextValid,
  type SpanContext,
  type TextMapGetter,
  TraceFlags,
} from "@opentelemetry/api";

/**
 * The W3C `traceparent` of a span, for the record. Written by hand: the global propagator may be missing or write
 * another format, and must not decide what services share in a store. Undefined: there is no span worth the name.
 */
export function formatTraceparent(context: SpanContext): string | undefined {
  if (!isSpanContextValid(context)) return undefined;
  const flags = (context.traceFlags & 0xff).toString(16).padStart(2, "0");
  const traceparent = `00-${context.traceId}-${context.spanId}-${flags}`;
  return TRACEPARENT.test(traceparent) ? traceparent : undefined;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What a record holds may have been written by anybody: whatever is not a `traceparent` of version 00 is no link. */
export function parseTraceparent(traceparent: string | undefined): SpanContext | undefined {
  const match = TRACEPARENT.exec(traceparent ?? "");
  if (match === null) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = match;
  const traceFlags = Number.parseInt(flags, 16);
  const context: SpanContext = { traceId, spanId, traceFlags, isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}

export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** Reads headers as they come: Kafka's are bytes, and some clients give several values for one name. */
export const headerGetter: TextMapGetter<Readonly<Record<string, unknown>>> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => (Object.hasOwn(headers, name) ? textOf(headers[name]) : undefined),
};

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return textOf(value[0]);
  return undefined;
}
