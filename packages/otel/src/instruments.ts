import {
  type Counter,
  createNoopMeter,
  type Histogram,
  type MeterProvider,
  metrics,
  type UpDownCounter,
} from "@opentelemetry/api";
import { SCHEMA_URL, SCOPE_NAME } from "./names.js";
import { VERSION } from "./version.js";

export interface Instruments {
  readonly messages: Counter;
  readonly handlerDuration: Histogram;
  readonly storeDuration: Histogram;
  readonly duplicateAge: Histogram;
  readonly activeClaims: UpDownCounter;
  /** Somebody reads them. */
  readonly areReal: boolean;
}

const HANDLER_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const STORE_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];
const AGE_SECONDS = [0.1, 1, 5, 15, 60, 300, 900, 3_600, 10_800, 43_200, 86_400, 259_200, 604_800];

function createInstruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter(SCOPE_NAME, VERSION, { schemaUrl: SCHEMA_URL });
  const seconds = (name: string, description: string, bounds: number[]): Histogram =>
    meter.createHistogram(name, {
      unit: "s",
      description,
      advice: { explicitBucketBoundaries: bounds },
    });
  return {
    messages: meter.createCounter("idempotency.messages", {
      unit: "{message}",
      description: "Deliveries that came to an outcome; over all outcomes they sum to deliveries.",
    }),
    handlerDuration: seconds(
      "idempotency.handler.duration",
      "How long handlers ran, without the calls of the store around them.",
      HANDLER_SECONDS,
    ),
    storeDuration: seconds(
      "idempotency.store.operation.duration",
      "How long calls of the store took, as their caller saw it.",
      STORE_SECONDS,
    ),
    duplicateAge: seconds(
      "idempotency.duplicate.age",
      "How long ago, by the clock of the store, the key of a duplicate was first claimed.",
      AGE_SECONDS,
    ),
    activeClaims: meter.createUpDownCounter("idempotency.claim.active", {
      unit: "{claim}",
      description: "Claims whose handler is running.",
    }),
    areReal: meter !== createNoopMeter(),
  };
}

/**
 * The instruments of the meter provider that is registered now. They are made when a message needs them: an instrument
 * that was made before the SDK started would stay dead for ever, and nothing would say so.
 */
export class LazyInstruments {
  readonly #given: MeterProvider | undefined;
  readonly #made = new WeakMap<MeterProvider, Instruments>();
  #lastProvider: MeterProvider | undefined;
  #last: Instruments | undefined;

  constructor(given: MeterProvider | undefined) {
    this.#given = given;
  }

  /** False while no SDK is registered. */
  get areHeard(): boolean {
    try {
      return this.current.areReal;
    } catch {
      return false;
    }
  }

  get current(): Instruments {
    const provider = this.#given ?? metrics.getMeterProvider();
    if (provider === this.#lastProvider && this.#last !== undefined) return this.#last;
    let instruments = this.#made.get(provider);
    if (instruments === undefined) {
      instruments = createInstruments(provider);
      this.#made.set(provider, instruments);
    }
    this.#lastProvider = provider;
    this.#last = instruments;
    return instruments;
  }
}
