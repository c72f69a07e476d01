import type { KeyRecord } from "@onlyonce/core";
import type { Answered } from "./model-key.js";
import { grantOf, statusOf } from "./model-reply.js";
import { hasCome, later, overlap, type Span } from "./model-span.js";
import type { StoreFeatures } from "./store-harness.js";

/** A grant as its owner knows it from replies. */
interface Holder {
  readonly token: string;
  readonly grant: number;
  readonly until: Span;
}

interface Seen {
  readonly record: KeyRecord | undefined;
  readonly now: Span;
}

/**
 * Watches one key from outside and holds what is seen to the promises that matter most. Knows nothing of the record
 * table: a table that is wrong in the same way twice is still caught here.
 */
export class ModelWitness {
  readonly #isBare: boolean;
  #holders: Holder[] = [];
  #seen: Seen | undefined;
  /** Who held the key at the last look. */
  #heldThen: readonly Holder[] = [];
  #calls: Answered[] = [];

  constructor({ completed }: Pick<StoreFeatures, "completed"> = {}) {
    this.#isBare = completed === "bare";
  }

  /** A call was executed, between the last look and the next. */
  heard(call: Answered, now: Span): void {
    this.#calls.push(call);
    if (call.verb === "forget" && call.reply === true) {
      if (this.#holdersSure(now).length > 0) throw new Error("a live claim was forgotten");
      this.lost();
    }
    if (call.verb === "forget" || call.verb === "inspect") return;
    this.#follow(call, now);
    if (this.#holdersSure(now).length > 1) {
      const names = this.#holdersSure(now).map(({ token, grant }) => `${token} (grant ${grant})`);
      throw new Error(`two hold one key: ${names.join(" and ")}`);
    }
  }

  /** The record was looked at. */
  saw(record: KeyRecord | undefined, now: Span): void {
    this.#checkCompleted(record, now);
    this.#checkLiveClaim(record, now);
    this.#checkAttempts(record);
    this.#seen = { record, now };
    this.#heldThen = [...this.#holders];
    this.#calls = [];
  }

  /** The record was damaged or deleted: what was promised before is void. */
  lost(): void {
    this.#holders = [];
    this.#heldThen = [];
    this.#seen = undefined;
  }

  #holdersSure(now: Span): readonly Holder[] {
    return this.#holders.filter(({ until }) => hasCome(until, now) === false);
  }

  #follow(call: Exclude<Answered, { verb: "inspect" | "forget" }>, now: Span): void {
    const { token, grant, leaseMs } = call.request;
    const status = statusOf(call.reply);
    switch (`${call.verb} ${status}`) {
      case "claim acquired":
      case "claim reclaimed":
        this.#hold(token, grantOf(call.reply), later(now, leaseMs));
        break;
      case "start ok":
      case "renew ok":
      case "renew restored":
        this.#hold(token, grant, later(now, leaseMs));
        break;
      case "release ok":
        this.#holders = this.#holders.filter(
          (holder) => holder.token !== token || (grant !== undefined && holder.grant !== grant),
        );
        break;
      case "remember new":
      case "complete ok":
      case "complete late":
      case "complete vanished":
      case "complete stolen":
        // The work is done: nobody can be granted, or keep, the key.
        this.#holders = [];
        break;
    }
  }

  #hold(token: string, grant: number | undefined, until: Span): void {
    if (grant === undefined) throw new Error("a claim was granted without a grant");
    this.#holders = this.#holders.filter(
      (holder) => holder.token !== token || holder.grant !== grant,
    );
    this.#holders.push({ token, grant, until });
  }

  #checkCompleted(record: KeyRecord | undefined, now: Span): void {
    const before = this.#seen;
    if (before?.record?.state !== "completed") return;
    if (hasCome(expiryOf(before.record, before.now), now) !== false) return;
    const complaint = differenceOf(before.record, before.now, record, now, this.#isBare);
    if (complaint !== undefined) throw new Error(`a completed record changed: ${complaint}`);
  }

  #checkLiveClaim(record: KeyRecord | undefined, now: Span): void {
    const before = this.#seen;
    if (before?.record?.state !== "claimed") return;
    const holder = this.#heldThen.find(({ until }) => hasCome(until, now) === false);
    if (holder === undefined || this.#calls.some((call) => mayChange(call, holder))) return;
    const complaint = differenceOf(before.record, before.now, record, now);
    if (complaint !== undefined) {
      throw new Error(`the live claim of ${holder.token} was changed by others: ${complaint}`);
    }
  }

  #checkAttempts(record: KeyRecord | undefined): void {
    const attempts = record?.attempt ?? 0;
    if (!Number.isInteger(attempts) || attempts < 0) throw new Error(`attempts are ${attempts}`);
    const before = this.#seen?.record?.attempt ?? 0;
    const causes = this.#calls.filter(countsAsAttempt).length;
    if (attempts > before + causes) {
      throw new Error(
        `attempts rose from ${before} to ${attempts} over ${causes} starts and failures`,
      );
    }
  }
}

/** Whether a call may change a live claim: its owner's own, and a completion, which tells that the work is done. */
function mayChange(call: Answered, holder: Holder): boolean {
  if (call.verb === "inspect" || call.verb === "forget") return false;
  if (call.verb === "complete") return true;
  const { token, grant } = call.request;
  if (token !== holder.token) return false;
  if (call.verb === "claim" || call.verb === "remember") return true;
  return grant === undefined || grant === holder.grant;
}

function countsAsAttempt(call: Answered): boolean {
  if (call.reply !== "ok") return false;
  return call.verb === "start" || (call.verb === "release" && call.request.as === "failed");
}

function expiryOf(record: KeyRecord, now: Span): Span {
  return later(now, record.expiresInMs);
}

/** How a record differs from what it was, its age and its remaining life apart. */
function differenceOf(
  before: KeyRecord,
  then: Span,
  after: KeyRecord | undefined,
  now: Span,
  mayFade = false,
): string | undefined {
  if (after === undefined) return "it is gone";
  if (after.state !== before.state) return `it is ${after.state}`;
  // What a bare record no longer knows is gone from the end of its revision.
  const isFaded = mayFade && before.revision.startsWith(after.revision);
  if (after.revision !== before.revision && !isFaded) return "its revision is another";
  if (after.attempt !== before.attempt) return "its attempts are others";
  if (after.origin.coordinates !== before.origin.coordinates) return "its coordinates are others";
  if (after.origin.traceparent !== before.origin.traceparent) return "its traceparent is another";
  if (!overlap(expiryOf(before, then), expiryOf(after, now))) return "it expires at another time";
  return undefined;
}
