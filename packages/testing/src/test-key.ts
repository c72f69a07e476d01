import { randomBytes } from "node:crypto";
import type {
  ClaimReply,
  ClaimRequest,
  CompleteReply,
  Completion,
  Held,
  Release,
  ReleaseReply,
  RememberReply,
  RenewReply,
  StartReply,
} from "@onlyonce/core";
import type { StoreUnderTest } from "./store-harness.js";

/** Longer than any test: a claim with this lease stays live. */
export const LEASE_MS = 60_000;
/** How long records are kept unless a test says otherwise. */
export const WINDOW_MS = 600_000;
/** For claims that have to lapse: `lapse` waits for it. */
export const SHORT_LEASE_MS = 100;

/** Lets claims with a short lease lapse, and no others. */
export function lapse(subject: StoreUnderTest): Promise<void> {
  return subject.advance(SHORT_LEASE_MS + 50);
}

/** A digest as core computes them: 22 base64url characters. */
export function newDigest(): string {
  return randomBytes(16).toString("base64url");
}

/** The reply to a call that carried one key. */
export function only<Reply>(replies: readonly Reply[]): Reply {
  const [reply] = replies;
  if (reply === undefined || replies.length !== 1) {
    throw new Error(`expected one reply, got ${replies.length}`);
  }
  return reply;
}

export type Who = "mine" | "other" | "third";
type Overrides = Partial<Omit<ClaimRequest, "key" | "token">>;

/** One key, wanted by several deliveries. Each has an owner token, and its name as coordinates. */
export class TestKey {
  readonly digest: string;
  readonly #subject: StoreUnderTest;
  readonly #tokens: string = randomBytes(9).toString("base64url");

  constructor(subject: StoreUnderTest, digest: string = newDigest()) {
    this.#subject = subject;
    this.digest = digest;
  }

  request(who: Who, overrides: Overrides = {}): ClaimRequest {
    return {
      key: this.digest,
      token: `${this.#tokens}.${who.slice(0, 1)}`,
      leaseMs: LEASE_MS,
      windowMs: WINDOW_MS,
      origin: { coordinates: who },
      ...overrides,
    };
  }

  held(who: Who, grant: number, overrides: Overrides = {}): Held {
    return { ...this.request(who, overrides), grant };
  }

  async claim(who: Who, overrides: Overrides = {}): Promise<ClaimReply> {
    return only(await this.#subject.store.claim([this.request(who, overrides)]));
  }

  async remember(who: Who, overrides: Overrides = {}): Promise<RememberReply> {
    return only(await this.#subject.store.remember([this.request(who, overrides)]));
  }

  /** Claims, and throws unless the claim is granted. */
  async take(who: Who, overrides: Overrides = {}): Promise<Held> {
    const reply = await this.claim(who, overrides);
    if (reply.status !== "acquired" && reply.status !== "reclaimed") {
      throw new Error(`expected a grant for ${who}, got ${told(reply)}`);
    }
    return this.held(who, reply.grant, overrides);
  }

  /** Claims with a short lease and lets it lapse. */
  async takeAndLapse(who: Who): Promise<Held> {
    const held = await this.take(who, { leaseMs: SHORT_LEASE_MS });
    await lapse(this.#subject);
    return held;
  }

  async start(held: Held): Promise<StartReply> {
    return only(await this.#subject.store.start([held]));
  }

  async renew(held: Held): Promise<RenewReply> {
    return only(await this.#subject.store.renew([held]));
  }

  async complete(completion: Completion): Promise<CompleteReply> {
    return only(await this.#subject.store.complete([completion]));
  }

  async release(held: Held, as: "failed" | "unstarted" | "reset"): Promise<ReleaseReply> {
    return only(await this.#subject.store.release([{ ...held, as } satisfies Release]));
  }

  async attempts(): Promise<number | undefined> {
    return (await this.#subject.store.inspect(this.digest))?.attempt;
  }

  async expiresInMs(): Promise<number> {
    return (await this.#subject.store.inspect(this.digest))?.expiresInMs ?? 0;
  }

  async revision(): Promise<string | undefined> {
    return (await this.#subject.store.inspect(this.digest))?.revision;
  }

  /**
   * What the record is, in words: inspects it, then checks that by a claim of somebody else. The claim may change the
   * record, so this comes last.
   */
  async state(): Promise<string> {
    const record = await this.#subject.store.inspect(this.digest);
    const reply = await this.claim("third");
    if (record === undefined) return reply.status === "acquired" ? "absent" : told(reply);
    const by = record.origin.coordinates;
    const attempts = `attempts ${record.attempt}`;
    const answer = reply.status === "reclaimed" ? `takeover ${reply.takeover}` : reply.status;
    switch (`${record.state}, ${answer}`) {
      case "claimed, busy":
        return `live claim of ${by}, ${attempts}`;
      case "claimed, takeover true":
        return `lapsed claim of ${by}, ${attempts}`;
      case "failed, takeover false":
        return `failed by ${by}, ${attempts}`;
      case "completed, duplicate":
        return `completed by ${by}`;
      default:
        return `inspected as ${record.state} by ${by}, but a claim was answered ${told(reply)}`;
    }
  }
}

type AnyReply = ClaimReply | RememberReply | StartReply | RenewReply | CompleteReply | ReleaseReply;

/** A reply in words, without what depends on time. */
export function told(reply: AnyReply): string {
  if (typeof reply === "string") return reply;
  switch (reply.status) {
    case "acquired":
      return `acquired${numbers(reply)}`;
    case "reclaimed":
      return `reclaimed ${reply.takeover ? "by takeover" : "after a release"} from ${reply.previous.coordinates}${numbers(reply)}`;
    case "duplicate":
      return `duplicate of ${reply.origin.coordinates}`;
    case "conflict":
      return `conflict with ${reply.origin.coordinates}`;
    case "busy":
      return `busy with ${reply.origin.coordinates}`;
    case "new":
    case "stale":
      return reply.status;
    case "error":
      return "error";
  }
}

function numbers(granted: { grant: number; attempt: number; suspect: boolean }): string {
  const { grant, attempt, suspect } = granted;
  return `, grant ${grant}, attempt ${attempt}${suspect ? ", suspect" : ""}`;
}
