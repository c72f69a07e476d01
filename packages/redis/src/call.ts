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
    this.deadlineMs = entries.at(-1)?.ticket.deadlineMs ?? 0;
    this.#verb = verb;
    this.#entries = entries;
    this.#onOdd = onOdd;
    this.#onOver = onOver;
  }

  answer(reply: unknown): void {
    try {
      this.#deal(reply);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#onOver(this.#entries);
  }

  fail(error: unknown): void {
    for (const entry of this.#entries) entry.ticket.fail(entry.index, error);
    this.#onOver(this.#entries);
  }

  #deal(reply: unknown): void {
    const entries = this.#entries;
    if (typeof reply !== "string" || reply.length < entries.length) {
      throw unknownAnswer(String(reply));
    }
    const [answers = "", now = "0", ...details] = reply.split("\n");
    if (answers.length !== entries.length) throw unknownAnswer(reply);
    const decoded = this.#decode(answers, details, Number(now));
    for (let i = 0; i < entries.length; i += 1) {
      const entry = entries[i];
      const reply = decoded[i];
      if (entry !== undefined && reply !== undefined) entry.ticket.answer(entry.index, reply);
    }
    if (ODD.test(answers)) for (const code of answers) this.#onOdd(code);
  }

  /** All of them before the first is dealt out: a reply is understood as a whole or not at all. */
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
