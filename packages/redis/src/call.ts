import type { Entry } from "./entry.js";
import type { Script } from "./generated/scripts.js";
import { type KeyedRequest, unknownAnswer, type Verb } from "./verb.js";

/** A script call as its lane sees it. */
export interface Call {
  readonly script: Script;
  readonly keyCount: number;
  readonly parameters: readonly string[];
  readonly deadlineMs: number;
  answer(reply: unknown): void;
  fail(error: unknown): void;
}

/** Enough for a server call that pays, and small enough that the rest does not wait long. */
const PORTION = 32;

/** Answers of any script about a record that an operator should know of. */
const ODD = /[mnv]/;

export class ScriptCall<Request extends KeyedRequest, Reply> implements Call {
  readonly script: Script;
  readonly keyCount: number;
  readonly parameters: readonly string[];
  readonly deadlineMs: number;
  readonly #verb: Verb<Request, Reply>;
  readonly #entries: readonly Entry<Reply>[];
  readonly #onOdd: (code: string) => void;
  readonly #onOver: (entries: readonly Entry<Reply>[]) => void;

  constructor(
    verb: Verb<Request, Reply>,
    entries: readonly Entry<Reply>[],
    onOdd: (code: string) => void,
    onOver: (entries: readonly Entry<Reply>[]) => void,
  ) {
    this.script = verb.script;
    this.keyCount = entries.length;
    this.parameters = parametersOf(entries, verb.second !== undefined);
    this.deadlineMs = entries.reduce((last, { ticket }) => Math.max(last, ticket.deadlineMs), 0);
    this.#verb = verb;
    this.#entries = entries;
    this.#onOdd = onOdd;
    this.#onOver = onOver;
  }

  answer(reply: unknown): void {
    let replies: readonly Reply[];
    try {
      replies = this.#read(reply);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#dealOut(replies, 0);
  }

  fail(error: unknown): void {
    for (const entry of this.#entries) entry.ticket.fail(entry.index, error);
    this.#onOver(this.#entries);
  }

  /**
   * Deals a large call out in portions, cut between tickets: what the first portion asks for next is on its way while the
   * next one is handled. So client and server work at the same time, and calls of one size do not march in step for ever.
   */
  #dealOut(replies: readonly Reply[], from: number): void {
    const entries = this.#entries;
    for (let i = from; i < entries.length; i += 1) {
      const entry = entries[i];
      const reply = replies[i];
      if (entry === undefined || reply === undefined) continue;
      if (i - from >= PORTION && entry.index === 0) {
        setImmediate(() => this.#dealOut(replies, i));
        return;
      }
      entry.ticket.answer(entry.index, reply);
    }
    this.#onOver(entries);
  }

  #read(reply: unknown): readonly Reply[] {
    const count = this.#entries.length;
    if (typeof reply !== "string" || reply.length < count) throw unknownAnswer(String(reply));
    const [answers = "", now = "0", ...details] = reply.split("\n");
    if (answers.length !== count) throw unknownAnswer(reply);
    const replies = this.#decode(answers, details, Number(now));
    if (ODD.test(answers)) for (const code of answers) this.#onOdd(code);
    return replies;
  }

  /** All of them before the first is dealt out: an answer is understood as a whole or not at all. */
  #decode(answers: string, details: readonly string[], nowMs: number): readonly Reply[] {
    const decoded: Reply[] = [];
    let used = 0;
    for (let i = 0; i < answers.length; i += 1) {
      const code = answers.charAt(i);
      let detail = "";
      if (code >= "A" && code <= "Z") {
        detail = details[used] ?? "";
        used += 1;
      }
      decoded.push(this.#verb.decode(code, detail, nowMs));
    }
    if (used !== details.length) throw unknownAnswer(answers);
    return decoded;
  }
}

/** Keys, then the arguments of each key, then runs of keys that share lease and window: count, lease, window. */
function parametersOf<Reply>(entries: readonly Entry<Reply>[], hasSecond: boolean): string[] {
  const parameters: string[] = [];
  for (const entry of entries) parameters.push(entry.key);
  for (const entry of entries) {
    parameters.push(entry.first);
    if (hasSecond) parameters.push(entry.second);
  }
  let count = 0;
  let run = entries[0];
  for (const entry of entries) {
    if (run !== undefined && (entry.leaseMs !== run.leaseMs || entry.windowMs !== run.windowMs)) {
      parameters.push(String(count), String(run.leaseMs), String(run.windowMs));
      run = entry;
      count = 0;
    }
    count += 1;
  }
  if (run !== undefined) parameters.push(String(count), String(run.leaseMs), String(run.windowMs));
  return parameters;
}
