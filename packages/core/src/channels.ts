import { type Channel, channel, tracingChannel } from "node:diagnostics_channel";
import type { DuplicateKind } from "./duplicate-kind.js";
import type { Arrival, ClaimEvent, ClaimLoss, Incident, OutcomeEvent } from "./observer.js";
import type { Outcome } from "./outcome.js";

/** What subscribers of `tracing:onlyonce:process:*` get: filled in as it becomes known. Never a payload. */
export interface ProcessMessage {
  readonly system?: string;
  readonly destination: string;
  readonly group?: string;
  readonly messageId?: string;
  /** The first 16 hexadecimal digits of the digest of scope, topic and message key. */
  readonly keyHash?: string;
  attempt?: number;
  claimResult?: ClaimEvent["result"];
  outcome?: Outcome;
  duplicateKind?: DuplicateKind;
  /** Of the span that did, or does, the work. */
  originalTraceparent?: string;
  error?: unknown;
}

/** What subscribers of `onlyonce:claim:lost` get. */
export interface ClaimLostMessage {
  readonly destination: string;
  readonly keyHash?: string;
  readonly loss?: ClaimLoss;
  readonly ranMs?: number;
}

/** What subscribers of `onlyonce:store:error` get: a claim that was given up. */
export interface StoreErrorMessage {
  readonly destination: string;
  readonly keyHash?: string;
  readonly operation: "claim";
  readonly failsOpen: boolean;
  readonly error: unknown;
}

const PROCESS = tracingChannel<ProcessMessage>("onlyonce:process");
const CLAIM_LOST: Channel = channel("onlyonce:claim:lost");
const STORE_ERROR: Channel = channel("onlyonce:store:error");

/** Tells subscribers of `node:diagnostics_channel` what happens. Costs one look per message while there are none. */
export class Channels {
  readonly #messages = new WeakMap<Arrival, ProcessMessage>();
  #running = 0;

  get areHeard(): boolean {
    return PROCESS.hasSubscribers;
  }

  /** Arrivals are under way that somebody hears of. */
  get areOpen(): boolean {
    return this.#running > 0;
  }

  async around(arrival: Arrival, next: () => Promise<unknown>): Promise<void> {
    const message = processMessage(arrival);
    this.#messages.set(arrival, message);
    this.#running += 1;
    let isWorkOver = false;
    // Not the verdict, which holds what the handler resolved with; and an error where the handler failed.
    const work = async (): Promise<void> => {
      try {
        await next();
      } finally {
        isWorkOver = true;
        this.#running -= 1;
      }
      if (message.error !== undefined) throw message.error;
    };
    try {
      await PROCESS.tracePromise(work, message);
    } finally {
      if (!isWorkOver) await next();
    }
  }

  claim(event: ClaimEvent, arrival: Arrival): void {
    const { result, attempt, origin, kind, error, failsOpen = false } = event;
    const message = this.#messages.get(arrival);
    if (message !== undefined) {
      message.claimResult = result;
      if (attempt !== undefined) message.attempt = attempt;
      if (kind !== undefined) message.duplicateKind = kind;
      if (origin?.traceparent !== undefined) message.originalTraceparent = origin.traceparent;
    }
    if (result === "error" && STORE_ERROR.hasSubscribers) {
      const about = { operation: "claim", failsOpen, error } as const;
      STORE_ERROR.publish({ ...identity(arrival), ...about } satisfies StoreErrorMessage);
    }
  }

  outcome({ outcome, error }: OutcomeEvent, arrival: Arrival): void {
    const message = this.#messages.get(arrival);
    if (message === undefined) return;
    message.outcome = outcome;
    if (error !== undefined) message.error = error;
  }

  incident({ kind, loss, ranMs }: Incident, arrival: Arrival | undefined): void {
    if (kind !== "lease_lost" || arrival === undefined || !CLAIM_LOST.hasSubscribers) return;
    CLAIM_LOST.publish({
      ...identity(arrival),
      ...(loss === undefined ? undefined : { loss }),
      ...(ranMs === undefined ? undefined : { ranMs }),
    } satisfies ClaimLostMessage);
  }
}

function processMessage(arrival: Arrival): ProcessMessage {
  const { delivery } = arrival;
  return {
    ...identity(arrival),
    ...(delivery.transport === undefined ? undefined : { system: delivery.transport.system }),
    ...(delivery.consumerGroup === undefined ? undefined : { group: delivery.consumerGroup }),
    ...(delivery.id === undefined ? undefined : { messageId: delivery.id }),
  };
}

function identity({ delivery, key }: Arrival): {
  readonly destination: string;
  readonly keyHash?: string;
} {
  const destination = delivery.transport?.destination ?? delivery.topic;
  return key === undefined ? { destination } : { destination, keyHash: keyHash(key) };
}

/** The first 16 hexadecimal digits of a key's digest: the same message has the same, and nobody can read it. */
export function keyHash(digest: string): string {
  return Buffer.from(digest, "base64url").toString("hex", 0, 8);
}
