import type { Delivery } from "@onlyonce/core";
import {
  type Context,
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import { headerGetter, isSampled } from "./trace-context.js";

/** What the headers of a message say of the span that sent it. */
interface Creation {
  readonly spanContext: SpanContext | undefined;
  readonly extracted: Context;
}

export function creationOf({ headers }: Delivery): Creation {
  if (headers === undefined) return { spanContext: undefined, extracted: ROOT_CONTEXT };
  const extracted = propagation.extract(ROOT_CONTEXT, headers, headerGetter);
  const spanContext = trace.getSpanContext(extracted);
  const isValid = spanContext !== undefined && isSpanContextValid(spanContext);
  return { spanContext: isValid ? spanContext : undefined, extracted };
}

/**
 * The active span, if it can be the parent of what is done for this message. One that was sampled and has ended cannot,
 * unless the message was sent in its trace: a consumer that was started inside a span sees that span for ever.
 */
export function usableSpan(delivery: Delivery): Span | undefined {
  const span = trace.getActiveSpan();
  if (span === undefined) return undefined;
  const spanContext = span.spanContext();
  if (!isSpanContextValid(spanContext)) return undefined;
  if (span.isRecording() || !isSampled(spanContext)) return span;
  return creationOf(delivery).spanContext?.traceId === spanContext.traceId ? span : undefined;
}

/** The context for a span that stands where an instrumentation of the client would put one: below the sender's. */
export function senderContext({ spanContext, extracted }: Creation): Context {
  const active = context.active();
  const baggage = propagation.getBaggage(extracted);
  const based = baggage === undefined ? active : propagation.setBaggage(active, baggage);
  return spanContext === undefined
    ? trace.deleteSpan(based)
    : trace.setSpanContext(based, spanContext);
}
