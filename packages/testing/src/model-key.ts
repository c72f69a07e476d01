import { blankRecord, originOf } from "./model-cells.js";
import { bareRequest, FORGOTTEN, type Keeping, keepingOf } from "./model-keeping.js";
import {
  type Decision,
  type Kept,
  type Look,
  type Moment,
  type Operation,
  toldRequest,
} from "./model-record.js";
import { ANYTHING, agrees, shown, Within } from "./model-reply.js";
import { between, hasCome, type Span } from "./model-span.js";
import { rowOf, TABLE } from "./model-table.js";
import type { StoreFeatures } from "./store-harness.js";

/** A call of one key and what the store answered. */
export type Answered = Operation & { readonly reply: unknown };

/** What may stand under a key, and whether a lease runs there. */
interface View {
  readonly kept: Kept;
  readonly isLive: boolean;
}

/**
 * What should stand under one key. Where a lease or a window ended during a call, both answers are right: the model
 * follows each of them until the store shows which it took.
 */
export class ModelKey {
  #worlds: readonly Kept[] = ["absent"];
  #turn = 0;
  readonly #onMeeting: (cell: string) => void;
  readonly #keeping: Keeping;

  /** `onMeeting` is told of every cell of the table that is met. */
  constructor(onMeeting: (cell: string) => void, features: StoreFeatures) {
    this.#onMeeting = onMeeting;
    this.#keeping = keepingOf(features);
  }

  /** What stands there; several where it can't be known. */
  get worlds(): readonly Kept[] {
    return this.#worlds;
  }

  /**
   * Takes calls that were executed in one of these orders. Returns one that the answers agree with, and follows all of
   * them; throws where there is none.
   */
  take(orders: readonly (readonly Answered[])[], span: Span): readonly Answered[] {
    const fits = orders.map((order) => ({ order, ...this.#play(order, span) }));
    const [first] = fits.filter(({ worlds }) => worlds.length > 0);
    if (first === undefined) throw new Error(fits[0]?.complaint ?? "nothing was executed");
    this.#turn += first.order.length;
    this.#worlds = distinct(fits.flatMap(({ worlds }) => worlds));
    return first.order;
  }

  /** Something happened behind the store's back. */
  becomes(change: (kept: Kept) => Kept): void {
    this.#worlds = distinct(this.#worlds.map(change));
  }

  /** What may stand there after calls in this order; nothing, and why, where their answers are wrong. */
  #play(
    order: readonly Answered[],
    span: Span,
  ): { readonly worlds: readonly Kept[]; readonly complaint?: string } {
    let worlds = this.#worlds;
    for (const [place, call] of order.entries()) {
      const now = { ...span, turn: this.#turn + place };
      const decisions = worlds.flatMap((kept) => this.#decide(kept, call, now));
      worlds = decisions.filter(({ reply }) => agrees(reply, call.reply)).map(({ kept }) => kept);
      if (worlds.length > 0) continue;
      const expected = decisions.map(({ reply }) => shown(reply)).join(", or ");
      const answer = `${told(call)} was answered ${shown(call.reply)}`;
      return { worlds, complaint: `${answer}, but the record table says ${expected}` };
    }
    return { worlds };
  }

  #decide(kept: Kept, call: Operation, now: Moment): readonly Decision[] {
    const { isBare } = this.#keeping;
    return views(kept, now, isBare).flatMap((view) => {
      if (call.verb === "inspect") return [{ reply: inspected(view.kept, now), kept: view.kept }];
      if (call.verb === "forget") return forgotten(view, call.seen);
      const request = isBare ? bareRequest(call.request) : call.request;
      const row = rowOf(view.kept, call.verb, request, view.isLive);
      const cell = TABLE[call.verb][row];
      if (cell === undefined)
        throw new Error(`the record table has no cell for ${call.verb} on ${row}`);
      this.#onMeeting(`${call.verb}: ${row}`);
      const record = typeof view.kept === "string" ? blankRecord(now) : view.kept;
      return [this.#keeping.keep(cell({ record, kept: view.kept, request, now }), now)];
    });
  }
}

/** The record as it counts now: absent when it has expired; both where that is too close to tell. */
function views(kept: Kept, now: Moment, isBare: boolean): readonly View[] {
  if (typeof kept === "string") return [{ kept, isLive: false }];
  const isFading = isBare && kept.state === "completed" && kept.token !== FORGOTTEN;
  const faded = isFading ? views({ ...kept, token: FORGOTTEN }, now, isBare) : [];
  const hasExpired = hasCome(kept.expiry, now);
  const hasLapsed = kept.state === "claimed" ? hasCome(kept.leaseEnd, now) : true;
  return [
    ...(hasExpired === false ? [] : [{ kept: "absent", isLive: false } as const]),
    ...(hasExpired === true || hasLapsed === true ? [] : [{ kept, isLive: true }]),
    ...(hasExpired === true || hasLapsed === false ? [] : [{ kept, isLive: false }]),
    ...faded,
  ];
}

function inspected(kept: Kept, now: Moment): unknown {
  if (kept === "absent" || kept === "malformed") return undefined;
  if (typeof kept === "string") {
    const state = kept.slice("newer ".length);
    return {
      state,
      attempt: ANYTHING,
      origin: ANYTHING,
      expiresInMs: ANYTHING,
      revision: ANYTHING,
    };
  }
  return {
    state: kept.state,
    attempt: kept.state === "completed" ? undefined : kept.attempts,
    origin: originOf({ record: kept, now }),
    expiresInMs: new Within(between(now, kept.expiry)),
    revision: ANYTHING,
  };
}

/** What `forget` may do: a record written again since it was seen, with the same state and token, may go or stay. */
function forgotten({ kept, isLive }: View, seen: Look | undefined): readonly Decision[] {
  const gone: Decision = { reply: true, kept: "absent" };
  const stays: Decision = { reply: false, kept };
  if (kept === "absent" || isLive) return [stays];
  if (kept === "malformed") return seen === undefined ? [gone, stays] : [stays];
  if (kept === "newer claimed" || kept === "newer failed") {
    return [stays, { reply: { status: "error", error: ANYTHING }, kept }];
  }
  if (seen === undefined) return [gone];
  const likeness = seen.kept.map((before) => likenessOf(before, kept));
  return [
    ...(likeness.some((like) => like !== "another") ? [gone] : []),
    ...(likeness.some((like) => like !== "untouched") ? [stays] : []),
  ];
}

function likenessOf(before: Kept, kept: Kept): "untouched" | "similar" | "another" {
  if (typeof before === "string" || typeof kept === "string") {
    return before === kept ? "similar" : "another";
  }
  const isSimilar =
    before.state === kept.state &&
    before.token === kept.token &&
    (before.state === "completed" || before.grant === kept.grant);
  if (!isSimilar) return "another";
  return before.writtenAt === kept.writtenAt ? "untouched" : "similar";
}

function distinct(worlds: readonly Kept[]): readonly Kept[] {
  if (worlds.length === 1) return worlds;
  return [...new Map(worlds.map((kept) => [JSON.stringify(kept), kept])).values()];
}

function told(call: Operation): string {
  if (call.verb === "inspect" || call.verb === "forget") return call.verb;
  return `${call.verb} by ${toldRequest(call.request)}`;
}
