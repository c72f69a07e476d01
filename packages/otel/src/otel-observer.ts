import type {
  Arrival,
  ClaimEvent,
  Delivery,
  Incident,
  Observer,
  OutcomeEvent,
  StoreCall,
} from "@onlyonce/core";
import { trace } from "@opentelemetry/api";
import { ArrivalSpan } from "./arrival-span.js";
import { destinationOf } from "./destination.js";
import { guarded } from "./guarded.js";
import { LazyTracer } from "./lazy-tracer.js";
import { MessageMetrics, metricAttributes } from "./message-metrics.js";
import type { SpanAttributes } from "./names.js";
import { type OtelOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { formatTraceparent } from "./trace-context.js";

/**
 * Makes every delivery visible to OpenTelemetry: one span each, linked to the span of the work that it repeats or takes
 * over, and five instruments. Uses whatever SDK is registered at the time of each message; without one it does nothing
 * and costs about a microsecond a message. No failure of telemetry ever reaches a message.
 *
 * @throws TypeError or RangeError for an option that can't work.
 */
export function otelObserver(options: OtelOptions = {}): Observer {
  return new OtelObserver(resolveOptions(options));
}

/** What is known of one arrival while it lasts. */
interface Known {
  readonly span: ArrivalSpan | undefined;
  /** Undefined: nothing is measured. */
  readonly metrics: SpanAttributes | undefined;
  claim: ClaimEvent | undefined;
  startedAtMs: number;
  /** The running handler was counted among the active claims. */
  isCounted: boolean;
  handlerMs: readonly number[];
}

const NEVER_RAN: readonly number[] = [];

class OtelObserver implements Observer {
  readonly #options: ResolvedOptions;
  readonly #tracer: LazyTracer;
  readonly #metrics: MessageMetrics;
  /** Of those under way: every arrival leaves. */
  readonly #known = new Map<Arrival, Known>();
  readonly #storeCall = (call: StoreCall): void => this.#metrics.storeCall(call);

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#tracer = new LazyTracer(options.tracerProvider);
    this.#metrics = new MessageMetrics(options);
  }

  /** Undefined while nobody would hear of it: then the store is not even timed. */
  get storeCall(): ((call: StoreCall) => void) | undefined {
    return this.#options.metrics && this.#metrics.areHeard ? this.#storeCall : undefined;
  }

  around<Result>(
    _delivery: Delivery,
    next: () => Promise<Result>,
    arrival: Arrival,
  ): Promise<Result> {
    const span = this.#of(arrival)?.span;
    return span === undefined ? next() : span.run(next);
  }

  traceparent(arrival?: Arrival): string | undefined {
    if (!this.#options.storeTraceContext || this.#options.spans === "off") return undefined;
    if (arrival !== undefined) return this.#of(arrival)?.span?.traceparent;
    const active = trace.getActiveSpan();
    return active && formatTraceparent(active.spanContext());
  }

  claim(event: ClaimEvent, arrival: Arrival): void {
    const known = this.#known.get(arrival);
    if (known === undefined) return;
    known.claim = event;
    known.span?.claim(event);
  }

  handlerStarted(arrival: Arrival): void {
    const known = this.#known.get(arrival);
    if (known?.metrics === undefined) return;
    const result = known.claim?.result;
    known.isCounted = result === "acquired" || result === "reclaimed";
    if (known.isCounted) this.#metrics.activeClaims(1, known.metrics);
    known.startedAtMs = performance.now();
  }

  handlerEnded(arrival: Arrival): void {
    const known = this.#known.get(arrival);
    if (known?.metrics === undefined) return;
    known.handlerMs = [...known.handlerMs, performance.now() - known.startedAtMs];
    if (known.isCounted) this.#metrics.activeClaims(-1, known.metrics);
    known.isCounted = false;
  }

  outcome(event: OutcomeEvent, arrival: Arrival): void {
    const known = this.#known.get(arrival);
    if (known === undefined) return;
    const { span, metrics, claim, handlerMs } = known;
    span?.outcome(event, claim?.kind);
    if (metrics !== undefined) this.#metrics.outcome(event, claim, handlerMs, metrics);
  }

  incident(incident: Incident, arrival?: Arrival): void {
    if (arrival !== undefined) this.#known.get(arrival)?.span?.incident(incident);
  }

  left(arrival: Arrival): void {
    const known = this.#known.get(arrival);
    if (known === undefined) return;
    known.span?.end();
    this.#known.delete(arrival);
  }

  /** Undefined: there is no SDK, so that nothing need be known. */
  #of(arrival: Arrival): Known | undefined {
    const known = this.#known.get(arrival);
    if (known !== undefined) return known;
    const draws = this.#options.spans !== "off" && this.#tracer.isHeard;
    if (!draws && !(this.#options.metrics && this.#metrics.areHeard)) return undefined;
    const { delivery } = arrival;
    const destination =
      guarded(() => destinationOf(delivery, this.#options)) ??
      destinationOf(delivery, { ...this.#options, destination: () => undefined });
    const fresh: Known = {
      span: guarded(() => this.#spanFor(arrival, destination)),
      metrics: this.#options.metrics
        ? metricAttributes(arrival, destination, this.#options)
        : undefined,
      claim: undefined,
      startedAtMs: 0,
      isCounted: false,
      handlerMs: NEVER_RAN,
    };
    this.#known.set(arrival, fresh);
    return fresh;
  }

  #spanFor(arrival: Arrival, destination: string): ArrivalSpan | undefined {
    const options = this.#options;
    switch (options.spans) {
      case "auto":
        return ArrivalSpan.starting(this.#tracer.current, arrival, destination, options);
      case "annotate":
        return ArrivalSpan.annotating(arrival, options);
      case "off":
        return undefined;
    }
  }
}
