import { ProxyTracerProvider, type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import { SCHEMA_URL, SCOPE_NAME } from "./names.js";
import { VERSION } from "./version.js";

/** The tracer of the provider that is registered now. */
export class LazyTracer {
  readonly #given: TracerProvider | undefined;
  /** An SDK never leaves a provider again: the API takes a new one then. */
  #heard: TracerProvider | undefined;
  #provider: TracerProvider | undefined;
  #tracer: Tracer | undefined;

  constructor(given: TracerProvider | undefined) {
    this.#given = given;
  }

  /** False while no SDK is registered. */
  get isHeard(): boolean {
    if (this.#given !== undefined) return true;
    const provider = trace.getTracerProvider();
    if (provider === this.#heard || !(provider instanceof ProxyTracerProvider)) return true;
    if (provider.getDelegateTracer(SCOPE_NAME) === undefined) return false;
    this.#heard = provider;
    return true;
  }

  get current(): Tracer {
    const provider = this.#given ?? trace.getTracerProvider();
    if (provider !== this.#provider || this.#tracer === undefined) {
      // Not `trace.getTracer`, which takes no schema URL.
      this.#tracer = provider.getTracer(SCOPE_NAME, VERSION, { schemaUrl: SCHEMA_URL });
      this.#provider = provider;
    }
    return this.#tracer;
  }
}
