import { Channels } from "./channels.js";
import type {
  Arrival,
  ClaimEvent,
  Incident,
  Observer,
  OutcomeEvent,
  StoreCall,
} from "./observer.js";
import type { Finding } from "./store.js";

/**
 * Calls every observer, and lets none of them change what happens. Subscribers of the diagnostics channels come first:
 * they may appear at any time, while observers are given once.
 */
export class Observers {
  readonly #all: readonly Observer[];
  readonly #around: readonly Observer[];
  readonly #traced: readonly Observer[];
  readonly #channels = new Channels();
  /** Somebody may want to hear of calls of the store. */
  readonly mayHearStoreCalls: boolean;

  constructor(all: readonly Observer[]) {
    this.#all = all;
    this.#around = all.filter((observer) => observer.around !== undefined);
    this.#traced = all.filter((observer) => observer.traceparent !== undefined);
    this.mayHearStoreCalls = all.some((observer) => "storeCall" in observer);
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** Nobody hears what is told of arrivals now: what would be told need not be put together. */
  get isSilent(): boolean {
    return this.#all.length === 0 && !this.#channels.areOpen;
  }

  /** Whether anything wants to be around the work. */
  get wrap(): boolean {
    return this.#around.length > 0 || this.#channels.areHeard;
  }

  /** Runs `work` inside all `around` hooks, first observer outermost; always exactly one run of `work`. */
  around<Result>(arrival: Arrival, work: () => Promise<Result>): Promise<Result> {
    let run = work;
    for (const observer of this.#around.toReversed()) {
      const inner = run;
      run = () => wrap(observer, arrival, inner);
    }
    if (!this.#channels.areHeard) return run();
    const inner = run;
    return inChannels(this.#channels, arrival, inner);
  }

  /** `arrival`: undefined where only the span that is active now can be meant. */
  traceparent(arrival?: Arrival): string | undefined {
    for (const observer of this.#traced) {
      try {
        const traceparent = observer.traceparent?.(arrival);
        if (typeof traceparent === "string") return traceparent;
      } catch {
        // The next observer may know it.
      }
    }
    return undefined;
  }

  claim(event: ClaimEvent, arrival: Arrival): void {
    this.#channels.claim(event, arrival);
    this.#tell((observer) => observer.claim?.(event, arrival));
  }

  handlerStarted(arrival: Arrival): void {
    if (this.#all.length > 0) this.#tell((observer) => observer.handlerStarted?.(arrival));
  }

  handlerEnded(arrival: Arrival): void {
    if (this.#all.length > 0) this.#tell((observer) => observer.handlerEnded?.(arrival));
  }

  /** Somebody wants to hear of calls of the store now. */
  get hearStoreCalls(): boolean {
    return this.#all.some(hearsStoreCalls);
  }

  storeCall(call: StoreCall): void {
    this.#tell((observer) => observer.storeCall?.(call));
  }

  outcome(event: OutcomeEvent, arrival: Arrival): void {
    this.#channels.outcome(event, arrival);
    this.#tell((observer) => observer.outcome?.(event, arrival));
  }

  incident(incident: Incident, arrival?: Arrival): void {
    this.#channels.incident(incident, arrival);
    this.#tell((observer) => observer.incident?.(incident, arrival));
  }

  left(arrival: Arrival): void {
    if (this.#all.length > 0) this.#tell((observer) => observer.left?.(arrival));
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

function hearsStoreCalls(observer: Observer): boolean {
  try {
    return observer.storeCall !== undefined;
  } catch {
    return false;
  }
}

function wrap<Result>(
  observer: Observer,
  arrival: Arrival,
  work: () => Promise<Result>,
): Promise<Result> {
  return onceInside(work, (next) => observer.around?.(arrival.delivery, next, arrival));
}

function inChannels<Result>(
  channels: Channels,
  arrival: Arrival,
  work: () => Promise<Result>,
): Promise<Result> {
  return onceInside(work, (next) => channels.around(arrival, next));
}

/** The work runs once and its result counts, whatever is around it: throws early, throws late, calls twice, never calls. */
async function onceInside<Result>(
  work: () => Promise<Result>,
  around: (next: () => Promise<Result>) => Promise<unknown> | undefined,
): Promise<Result> {
  let started: Promise<Result> | undefined;
  const once = (): Promise<Result> => {
    started ??= work();
    return started;
  };
  try {
    await around(once);
  } catch {
    // Either the work's own rejection, which `once` gives again, or the observer's, which does not count.
  }
  return once();
}
