import type { Arrival, ClaimEvent, Incident, Origin, OutcomeEvent } from "@onlyonce/core";
import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { errorType, storeErrorType } from "./error-type.js";
import { guarded } from "./guarded.js";
import { ATTRIBUTE, EVENT, SEMCONV, type SpanAttributes } from "./names.js";
import type { ResolvedOptions } from "./options.js";
import { creationOf, senderContext, usableSpan } from "./parentage.js";
import { keyAttributes, startAttributes } from "./start-attributes.js";
import { formatTraceparent, isSampled, parseTraceparent } from "./trace-context.js";

/** What a link of ours leads to. */
type LinkType = "original" | "owner" | "previous_attempt";

const LINK_OF = {
  duplicate: "original",
  conflict: "original",
  busy: "owner",
  reclaimed: "previous_attempt",
  acquired: undefined,
  error: undefined,
} as const satisfies Record<ClaimEvent["result"], LinkType | undefined>;

/** The span of one arrival, and the one that it repeats its outcome on. Nothing here throws. */
export class ArrivalSpan {
  readonly #options: ResolvedOptions;
  /** Of ours, or the active one where we annotate. */
  readonly #span: Span | undefined;
  readonly #isOurs: boolean;
  /** The active span, where it belongs to this message alone. */
  readonly #mirror: Span | undefined;
  /** What the sender said, where no instrumentation of the client has taken it up. */
  readonly #sender: Context | undefined;

  private constructor(
    options: ResolvedOptions,
    span: Span | undefined,
    around: { readonly isOurs: boolean; readonly mirror?: Span; readonly sender?: Context },
  ) {
    this.#options = options;
    this.#span = span;
    this.#isOurs = around.isOurs;
    this.#mirror = around.mirror;
    this.#sender = around.sender;
  }

  static annotating(arrival: Arrival, options: ResolvedOptions): ArrivalSpan {
    const { delivery } = arrival;
    const active = usableSpan(delivery);
    // The span of a batch is nobody's to write to, but it is still where the work is done.
    const span = delivery.transport?.isBatch === true ? readOnly(active) : active;
    const arrivalSpan = new ArrivalSpan(options, span, { isOurs: false });
    if (arrivalSpan.#isRecording) {
      arrivalSpan.#set(keyAttributes(arrival, options.recordKey, false));
    }
    return arrivalSpan;
  }

  static starting(
    tracer: Tracer,
    arrival: Arrival,
    destination: string,
    options: ResolvedOptions,
  ): ArrivalSpan {
    const { delivery } = arrival;
    const active = usableSpan(delivery);
    const isBatch = delivery.transport?.isBatch === true;
    const isConsumer = active === undefined;
    const creation = isConsumer || isBatch ? creationOf(delivery) : undefined;
    const parent =
      isConsumer && creation !== undefined ? senderContext(creation) : context.active();
    const links: Link[] =
      options.links && creation?.spanContext !== undefined
        ? [{ context: creation.spanContext }]
        : [];
    const span = tracer.startSpan(
      isConsumer ? `process ${destination}` : `idempotency ${destination}`,
      {
        kind: isConsumer ? SpanKind.CONSUMER : SpanKind.INTERNAL,
        attributes: startAttributes(delivery, destination, isConsumer),
        ...(links.length > 0 && { links }),
      },
      parent,
    );
    const mayMirror = active !== undefined && !isBatch && active.isRecording();
    const arrivalSpan = new ArrivalSpan(options, span, {
      isOurs: true,
      ...(mayMirror && { mirror: active }),
      ...(isConsumer && { sender: parent }),
    });
    guarded(() => {
      if (span.isRecording()) {
        arrivalSpan.#set(keyAttributes(arrival, options.recordKey, isConsumer));
      }
    });
    return arrivalSpan;
  }

  /** Runs `work` with our span active. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#span === undefined || !this.#isOurs) return work();
    let inner = context.active();
    const baggage = this.#sender && propagation.getBaggage(this.#sender);
    if (baggage !== undefined) inner = propagation.setBaggage(inner, baggage);
    return context.with(trace.setSpan(inner, this.#span), work);
  }

  get traceparent(): string | undefined {
    const span = this.#span;
    return span && guarded(() => formatTraceparent(span.spanContext()));
  }

  claim({ result, attempt, origin, kind, waitedMs, error, failsOpen }: ClaimEvent): void {
    if (!this.#isRecording) return;
    const attributes: SpanAttributes = { [ATTRIBUTE.claimResult]: result };
    if (attempt !== undefined) attributes[ATTRIBUTE.attempt] = attempt;
    if (waitedMs !== undefined) attributes[ATTRIBUTE.waited] = waitedMs / 1000;
    if (kind !== undefined) {
      attributes[ATTRIBUTE.kind] = kind;
      if (origin?.ageMs !== undefined) attributes[ATTRIBUTE.age] = origin.ageMs / 1000;
    }
    this.#set(attributes);
    const type = LINK_OF[result];
    if (type !== undefined && origin !== undefined) this.#link(type, origin);
    if (failsOpen === true) {
      this.#event(EVENT.storeError, {
        [ATTRIBUTE.storeOperation]: "claim",
        [SEMCONV.errorType]: storeErrorType(error),
      });
    }
  }

  incident({ kind, loss, ranMs }: Incident): void {
    if (kind !== "lease_lost" || !this.#isRecording) return;
    this.#event(EVENT.claimLost, {
      ...(loss !== undefined && { [ATTRIBUTE.lossReason]: loss }),
      ...(ranMs !== undefined && { [ATTRIBUTE.held]: ranMs / 1000 }),
    });
  }

  /** Before the adapter settles the message: instrumentations end their span when it is acked. */
  outcome(event: OutcomeEvent, kind: ClaimEvent["kind"]): void {
    const { outcome, detail, replayed } = event;
    const repeated: SpanAttributes = { [ATTRIBUTE.outcome]: outcome };
    if (kind !== undefined) repeated[ATTRIBUTE.kind] = kind;
    const mirror = this.#mirror;
    if (mirror !== undefined) {
      guarded(() => {
        if (mirror.isRecording()) mirror.setAttributes(repeated);
      });
    }
    if (!this.#isRecording) return;
    const type = errorType(event);
    this.#set({
      ...repeated,
      ...(detail !== undefined && { [ATTRIBUTE.detail]: detail }),
      ...(outcome === "duplicate" && { [ATTRIBUTE.replayed]: replayed === true }),
      ...(type !== undefined && { [SEMCONV.errorType]: type }),
    });
    // The status of a span that we annotate is its owner's to set.
    if (type !== undefined && this.#isOurs) {
      guarded(() => this.#span?.setStatus({ code: SpanStatusCode.ERROR }));
    }
  }

  end(): void {
    if (this.#isOurs) guarded(() => this.#span?.end());
  }

  get #isRecording(): boolean {
    const span = this.#span;
    return span !== undefined && guarded(() => span.isRecording()) === true;
  }

  #set(attributes: SpanAttributes): void {
    guarded(() => this.#span?.setAttributes(attributes));
  }

  #event(name: string, attributes: Attributes): void {
    guarded(() => this.#span?.addEvent(name, attributes));
  }

  #link(type: LinkType, origin: Origin): void {
    const target = parseTraceparent(origin.traceparent);
    if (target === undefined) return;
    this.#set({
      [ATTRIBUTE.originalTraceId]: target.traceId,
      [ATTRIBUTE.originalSpanId]: target.spanId,
      [ATTRIBUTE.originalSampled]: isSampled(target),
    });
    if (!this.#options.links) return;
    const link = { context: target, attributes: { [ATTRIBUTE.linkType]: type } };
    guarded(() => this.#span?.addLink(link));
  }
}

/** A span whose context may be kept, and that nothing is written to. */
function readOnly(span: Span | undefined): Span | undefined {
  return span && trace.wrapSpanContext(span.spanContext());
}
