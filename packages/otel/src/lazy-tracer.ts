import { type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import { SCHEMA_URL, SCOPE_NAME } from "./names.js";
import { VERSION } from "./version.js";

/** The tracer of the provider that is registered now. */
export class LazyTracer {
  readonly #given: TracerProvider | undefined;
  #provider: TracerProvider | undefined;
  #tracer: Tracer | undefined;

  constructor(given: TracerProvider | undefined) {
    this.#given = given;
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
