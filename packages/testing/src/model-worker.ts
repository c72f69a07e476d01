import type { ClaimRequest, Completion, Held, Origin, Release } from "@onlyonce/core";
import type { StoreVerb } from "./faulty-store.js";
import type { Request } from "./model-record.js";
import { grantOf, statusOf } from "./model-reply.js";

/** A call with all that it carries. */
export type Call =
  | { readonly verb: "claim" | "remember"; readonly requests: readonly ClaimRequest[] }
  | { readonly verb: "start" | "renew"; readonly requests: readonly Held[] }
  | { readonly verb: "complete"; readonly requests: readonly Completion[] }
  | { readonly verb: "release"; readonly requests: readonly Release[] };

/** What a worker wants to send. */
export interface Ask {
  readonly verb: StoreVerb;
  /** Which keys, by number; a key may stand there twice. */
  readonly keys: readonly number[];
  /** Draws a new token for a claim although there is one: another delivery of the message. */
  readonly isFresh: boolean;
  /** Of an owner's call: what it was granted last, or at first; none: by token alone, where the verb allows it. */
  readonly grant: "last" | "first" | "none";
  readonly as: Release["as"];
  readonly leaseMs: number;
  readonly windowMs: number;
  readonly origin: "none" | "coordinates" | "both";
  readonly fingerprint: "one" | "two" | undefined;
  readonly result: readonly number[] | undefined;
}

/** A delivery in a worker's hands. */
interface Grip {
  readonly request: ClaimRequest;
  /** What its claims were granted, from first to last. */
  readonly grants: readonly number[];
  /** It was given back, or is done: its token is dead. Copies of its calls may still come. */
  readonly isOver: boolean;
}

/** Tokens repeat after so many: a token that comes back is a very late copy. */
const TOKENS = 4;

/** A process that consumes: what it remembers of its deliveries. It need not behave well, for late copies do not either. */
export class ModelWorker {
  readonly name: string;
  readonly #digests: readonly string[];
  readonly #grips = new Map<number, Grip>();
  #drawn = 0;

  constructor(name: string, digests: readonly string[]) {
    this.name = name;
    this.#digests = digests;
  }

  /** Whether there is anything to send. Claims always can be. */
  canSend(ask: Ask): boolean {
    if (ask.verb === "claim" || ask.verb === "remember") return true;
    return (isByToken(ask) ? this.#known(ask) : this.#held(ask)).length > 0;
  }

  /** The call for what is asked; a claim takes hold of its deliveries. */
  prepare(ask: Ask): Call {
    const { verb } = ask;
    switch (verb) {
      case "claim":
      case "remember":
        return { verb, requests: ask.keys.map((key) => this.#take(key, ask)) };
      case "start":
      case "renew":
        return { verb, requests: this.#held(ask) };
      case "complete": {
        const result = ask.result === undefined ? {} : { result: Uint8Array.from(ask.result) };
        const done = isByToken(ask) ? this.#known(ask) : this.#held(ask);
        return { verb, requests: done.map((request) => ({ ...request, ...result })) };
      }
      case "release":
        return {
          verb,
          requests: isByToken(ask)
            ? this.#known(ask).map((request) => ({ ...request, as: "unstarted" }))
            : this.#held(ask).map((held) => ({ ...held, as: ask.as })),
        };
    }
  }

  /** Learns from an answer; undefined where none came. */
  learn(verb: StoreVerb, request: Request, reply: unknown): void {
    const key = this.#digests.indexOf(request.key);
    const grip = this.#grips.get(key);
    if (grip === undefined || grip.request.token !== request.token) return;
    const isStale = statusOf(reply) === "stale";
    if (isStale || verb === "release" || verb === "complete" || verb === "remember") {
      this.#grips.set(key, { ...grip, isOver: true });
    }
    const grant = grantOf(reply);
    if (grant === undefined || grip.grants.at(-1) === grant) return;
    this.#grips.set(key, { ...grip, grants: [...grip.grants, grant] });
  }

  /** Dies and starts again, remembering nothing. */
  crash(): void {
    this.#grips.clear();
  }

  #take(key: number, ask: Ask): ClaimRequest {
    const grip = this.#grips.get(key);
    if (grip !== undefined && !grip.isOver && !ask.isFresh) return grip.request;
    const token = `${this.name}${(this.#drawn % TOKENS) + 1}`;
    this.#drawn += 1;
    const { leaseMs, windowMs, fingerprint } = ask;
    const request: ClaimRequest = {
      key: this.#digests[key] ?? "",
      token,
      leaseMs,
      windowMs,
      origin: originOf(token, this.#drawn, ask.origin),
      ...(fingerprint !== undefined && { fingerprint }),
    };
    this.#grips.set(key, { request, grants: [], isOver: false });
    return request;
  }

  #held({ keys, grant: which }: Ask): readonly Held[] {
    return keys.flatMap((key) => {
      const grip = this.#grips.get(key);
      const grant = grip?.grants.at(which === "first" ? 0 : -1);
      return grip === undefined || grant === undefined ? [] : [{ ...grip.request, grant }];
    });
  }

  #known({ keys }: Ask): readonly ClaimRequest[] {
    return keys.flatMap((key) => this.#grips.get(key)?.request ?? []);
  }
}

function isByToken({ verb, grant }: Ask): boolean {
  return grant === "none" && (verb === "complete" || verb === "release");
}

function originOf(token: string, draw: number, wanted: Ask["origin"]): Origin {
  if (wanted === "none") return {};
  const coordinates = `${token}, delivery ${draw}`;
  if (wanted === "coordinates") return { coordinates };
  const digits = `${draw}`.padStart(16, "a");
  return { coordinates, traceparent: `00-${digits}${digits}-${digits}-01` };
}
