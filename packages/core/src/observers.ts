import type { Delivery } from "./delivery.js";
import type { Incident, Observer, OutcomeEvent } from "./observer.js";
import type { Finding } from "./store.js";

/** Calls every observer, and lets none of them change what happens. */
export class Observers {
  readonly #all: readonly Observer[];
  readonly #around: readonly Observer[];
  readonly #traced: readonly Observer[];

  constructor(all: readonly Observer[]) {
    this.#all = all;
    this.#around = all.filter((observer) => observer.around !== undefined);
    this.#traced = all.filter((observer) => observer.traceparent !== undefined);
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** Whether any observer has an `around` hook. */
  get wrap(): boolean {
    return this.#around.length > 0;
  }

  /** Runs `work` inside all `around` hooks, first observer outermost; always exactly one run of `work`. */
  around<Result>(delivery: Delivery, work: () => Promise<Result>): Promise<Result> {
    let run = work;
    for (const observer of this.#around.toReversed()) {
      const inner = run;
      run = () => wrap(observer, delivery, inner);
    }
    return run();
  }

  traceparent(): string | undefined {
    for (const observer of this.#traced) {
      try {
        const traceparent = observer.traceparent?.();
        if (typeof traceparent === "string") return traceparent;
      } catch {
        // The next observer may know it.
      }
    }
    return undefined;
  }

  outcome(event: OutcomeEvent): void {
    this.#tell((observer) => observer.outcome?.(event));
  }

  incident(incident: Incident): void {
    this.#tell((observer) => observer.incident?.(incident));
  }

  finding(finding: Finding): void {
    this.#tell((observer) => observer.finding?.(finding));
  }

  #tell(call: (observer: Observer) => unknown): void {
    for (const observer of this.#all) {
      try {
        const returned = call(observer);
        if (returned instanceof Promise) returned.catch(() => undefined);
      } catch {
        // An observer that throws never changes an outcome.
      }
    }
  }
}

/** The work runs once and its result counts, whatever the observer does: throw early, throw late, call twice, never call. */
async function wrap<Result>(
  observer: Observer,
  delivery: Delivery,
  work: () => Promise<Result>,
): Promise<Result> {
  let started: Promise<Result> | undefined;
  const once = (): Promise<Result> => {
    started ??= work();
    return started;
  };
  try {
    await observer.around?.(delivery, once);
  } catch {
    // Either the work's own rejection, which `once` gives again, or the observer's, which does not count.
  }
  return once();
}
