import type { Arrival, ClaimEvent, OutcomeEvent, StoreCall } from "@onlyonce/core";
import { errorType, storeErrorType } from "./error-type.js";
import { guarded } from "./guarded.js";
import { type Instruments, LazyInstruments } from "./instruments.js";
import { ATTRIBUTE, SEMCONV, type SpanAttributes } from "./names.js";
import type { ResolvedOptions } from "./options.js";

/** What metrics say of the deliveries of one kind: few values, never a key, an id or a place. */
export function metricAttributes(
  { delivery }: Arrival,
  destination: string,
  options: ResolvedOptions,
): SpanAttributes {
  const attributes: SpanAttributes = { [SEMCONV.destination]: destination };
  if (delivery.transport !== undefined) attributes[SEMCONV.system] = delivery.transport.system;
  if (delivery.consumerGroup !== undefined) attributes[SEMCONV.group] = delivery.consumerGroup;
  const { metricAttributes: further } = options;
  return further === undefined
    ? attributes
    : { ...guarded(() => further(delivery)), ...attributes };
}

/** Records what becomes of deliveries. Nothing here throws. */
export class MessageMetrics {
  readonly #instruments: LazyInstruments;

  constructor(options: ResolvedOptions) {
    this.#instruments = new LazyInstruments(options.meterProvider);
  }

  /** False while no SDK is registered. */
  get areHeard(): boolean {
    return this.#instruments.areHeard;
  }

  activeClaims(change: 1 | -1, attributes: SpanAttributes): void {
    this.#record(({ activeClaims }) => activeClaims.add(change, attributes));
  }

  /** `handlerMs`: one for each time the handler ran. */
  outcome(
    event: OutcomeEvent,
    claim: ClaimEvent | undefined,
    handlerMs: readonly number[],
    attributes: SpanAttributes,
  ): void {
    const { outcome } = event;
    const type = errorType(event);
    const isCopy = outcome === "duplicate" || outcome === "busy";
    const kind = isCopy ? claim?.kind : undefined;
    const ended: SpanAttributes = { ...attributes, [ATTRIBUTE.outcome]: outcome };
    if (type !== undefined) ended[SEMCONV.errorType] = type;
    for (const ms of handlerMs) {
      this.#record(({ handlerDuration }) => handlerDuration.record(ms / 1000, ended));
    }
    const counted = kind === undefined ? ended : { ...ended, [ATTRIBUTE.kind]: kind };
    this.#record(({ messages }) => messages.add(1, counted));
    const ageMs = claim?.origin?.ageMs;
    if (kind === undefined || ageMs === undefined) return;
    const aged = { ...attributes, [ATTRIBUTE.kind]: kind };
    this.#record(({ duplicateAge }) => duplicateAge.record(ageMs / 1000, aged));
  }

  storeCall({ operation, system, durationMs, result, error }: StoreCall): void {
    const attributes: SpanAttributes = { [ATTRIBUTE.storeOperation]: operation };
    if (system !== undefined) attributes[SEMCONV.database] = system;
    if (result !== undefined) attributes[ATTRIBUTE.claimResult] = result;
    if (error !== undefined) attributes[SEMCONV.errorType] = storeErrorType(error);
    this.#record(({ storeDuration }) => storeDuration.record(durationMs / 1000, attributes));
  }

  #record(record: (instruments: Instruments) => void): void {
    guarded(() => record(this.#instruments.current));
  }
}
