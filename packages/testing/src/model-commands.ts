import type { Kept } from "./model-record.js";
import type { ModelRun } from "./model-run.js";
import { hasCome, later, type Span } from "./model-span.js";
import type { Ask, ModelWorker } from "./model-worker.js";
import { corrupt } from "./store-harness.js";

/** One step of a sequence. */
export interface Command {
  /** Whether it can be done now. */
  check(run: Readonly<ModelRun>): boolean;
  run(run: ModelRun): Promise<void>;
  toString(): string;
}

/** What becomes of a call on its way. */
type Fate =
  | "answered"
  /** Executed twice, as by a client that resends; the second answer is seen. */
  | "twice"
  /** Executed; its reply is lost. */
  | "unanswered"
  /** Given up before it was executed; it may arrive later. */
  | "held";

/** What a worker is told to send. */
export interface Errand extends Ask {
  /** The first that has anything to send, counted from this one. */
  readonly worker: number;
  readonly fate: Fate;
}

/** One worker sends, or several at once. */
export class Send implements Command {
  readonly #errands: readonly Errand[];

  constructor(...errands: readonly Errand[]) {
    this.#errands = errands;
  }

  check(run: Readonly<ModelRun>): boolean {
    return this.#errands.every((errand) => senderOf(run, errand) !== undefined);
  }

  async run(run: ModelRun): Promise<void> {
    const trips = this.#errands.flatMap((errand) => {
      const by = senderOf(run, errand);
      if (by === undefined) return [];
      return [{ ...errand, by, worker: run.workers.indexOf(by), call: by.prepare(errand) }];
    });
    run.sent.push(...trips);
    await run.execute(trips.filter(({ fate }) => fate === "twice"));
    const executed = trips.filter(({ fate }) => fate !== "held");
    const replies = await run.execute(executed);
    for (const trip of trips) {
      const isAnswered = trip.fate === "answered" || trip.fate === "twice";
      const answers = isAnswered ? replies[executed.indexOf(trip)] : undefined;
      for (const [place, request] of trip.call.requests.entries()) {
        trip.by.learn(trip.call.verb, request, answers?.[place]);
      }
    }
    await run.inspect();
  }

  toString(): string {
    return this.#errands.map(toldErrand).join(" beside ");
  }
}

/** A copy of an earlier call arrives; nobody waits for its answer any more. */
export class ArriveLate implements Command {
  readonly #place: number;

  constructor(place: number) {
    this.#place = place;
  }

  check({ sent }: Readonly<ModelRun>): boolean {
    return sent.length > 0;
  }

  async run(run: ModelRun): Promise<void> {
    const copy = run.sent[this.#place % run.sent.length];
    if (copy !== undefined) await run.execute([copy]);
    await run.inspect();
  }

  toString(): string {
    return `copy of call ${this.#place} arrives`;
  }
}

export class Advance implements Command {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check(): boolean {
    return true;
  }

  async run(run: ModelRun): Promise<void> {
    await run.advance(this.#ms);
    await run.inspect();
  }

  toString(): string {
    return `${this.#ms} ms pass`;
  }
}

/** The longest that a real clock is waited for, in milliseconds. */
const LONGEST_WAIT_MS = 150;

/** Time passes until a lease or a window ends, or to one millisecond before or after. */
export class AdvanceTo implements Command {
  readonly #key: number;
  readonly #end: "leaseEnd" | "expiry";
  readonly #offsetMs: number;

  constructor(key: number, end: "leaseEnd" | "expiry", offsetMs: -1 | 0 | 1) {
    this.#key = key;
    this.#end = end;
    this.#offsetMs = offsetMs;
  }

  check(run: Readonly<ModelRun>): boolean {
    const ms = this.#untilMs(run);
    return ms !== undefined && (run.features.clock === "manual" || ms <= LONGEST_WAIT_MS);
  }

  async run(run: ModelRun): Promise<void> {
    await run.advance(Math.max(0, this.#untilMs(run) ?? 0));
    await run.inspect();
  }

  toString(): string {
    const end = this.#end === "leaseEnd" ? "lease" : "window";
    return `time passes to the end of the ${end} of key ${this.#key} ${this.#offsetMs} ms`;
  }

  #untilMs(run: Readonly<ModelRun>): number | undefined {
    const [kept] = run.keys[this.#key]?.model.worlds ?? [];
    const end = endOf(kept, this.#end);
    if (end === undefined) return undefined;
    return Math.ceil(end.toMs + this.#offsetMs - run.now().fromMs);
  }
}

/** A worker dies and forgets; what it sent may still arrive. */
export class Crash implements Command {
  readonly #worker: number;

  constructor(worker: number) {
    this.#worker = worker;
  }

  check(): boolean {
    return true;
  }

  async run(run: ModelRun): Promise<void> {
    run.note(() => String(this));
    run.workers[this.#worker]?.crash();
  }

  toString(): string {
    return `${nameOf(this.#worker)} crashes`;
  }
}

/** The server loses a record, or something else writes over it. */
export class Damage implements Command {
  readonly #key: number;
  readonly #how: "lost" | "malformed" | "newer";

  constructor(key: number, how: "lost" | "malformed" | "newer") {
    this.#key = key;
    this.#how = how;
  }

  check(run: Readonly<ModelRun>): boolean {
    if (this.#how === "lost") return true;
    if (run.features.records === "in-process") return false;
    if (this.#how === "malformed") return true;
    const worlds = run.keys[this.#key]?.model.worlds ?? [];
    return worlds.length === 1 && worlds.every((kept) => canBeNewer(kept, run.now()));
  }

  async run(run: ModelRun): Promise<void> {
    const key = run.keys[this.#key];
    if (key === undefined) return;
    if (this.#how === "lost") await run.subject.lose(key.digest);
    else await corrupt(run.subject, key.digest, this.#how);
    run.note(() => String(this));
    key.model.becomes((kept) => damaged(kept, this.#how));
    key.witness.lost();
    await run.inspect();
  }

  toString(): string {
    return `key ${this.#key} is ${this.#how}`;
  }
}

/** An operator forgets a record: the one that was seen at some time, or whatever stands there. */
export class Forget implements Command {
  readonly #key: number;
  readonly #look: number | undefined;

  constructor(key: number, look: number | undefined) {
    this.#key = key;
    this.#look = look;
  }

  check({ keys }: Readonly<ModelRun>): boolean {
    return this.#look === undefined || (keys[this.#key]?.looks.length ?? 0) > 0;
  }

  async run(run: ModelRun): Promise<void> {
    const key = run.keys[this.#key];
    if (key === undefined) return;
    const seen = this.#look === undefined ? undefined : key.looks[this.#look % key.looks.length];
    await run.forget(key, seen);
    await run.inspect();
  }

  toString(): string {
    return `key ${this.#key} is forgotten${this.#look === undefined ? "" : ` as seen at look ${this.#look}`}`;
  }
}

function endOf(kept: Kept | undefined, end: "leaseEnd" | "expiry"): Span | undefined {
  if (kept === undefined || typeof kept === "string") return undefined;
  return end === "leaseEnd" && kept.state !== "claimed" ? undefined : kept[end];
}

/** Damage keeps a state that is there; under a real clock it must not go while it is being damaged. */
function canBeNewer(kept: Kept, now: Span): boolean {
  if (typeof kept === "string") return kept !== "absent" && kept !== "malformed";
  return hasCome(kept.expiry, later(now, now.fromMs === now.toMs ? 0 : LONGEST_WAIT_MS)) === false;
}

function damaged(kept: Kept, how: "lost" | "malformed" | "newer"): Kept {
  if (how === "lost") return "absent";
  if (how === "malformed") return "malformed";
  return typeof kept === "string" ? kept : `newer ${kept.state}`;
}

function senderOf({ workers }: Readonly<ModelRun>, errand: Errand): ModelWorker | undefined {
  const turns = [...workers.slice(errand.worker), ...workers.slice(0, errand.worker)];
  return turns.find((worker) => worker.canSend(errand));
}

function nameOf(worker: number): string {
  return "ABC"[worker] ?? "?";
}

function toldErrand({ worker, verb, keys, fate, ...ask }: Errand): string {
  const isOwners = verb !== "claim" && verb !== "remember";
  const owner = isOwners ? `, grant ${ask.grant}` : "";
  const as = verb === "release" ? ` as ${ask.as}` : "";
  const terms =
    verb === "claim" || verb === "remember"
      ? `, lease ${ask.leaseMs}, window ${ask.windowMs}, origin ${ask.origin}, fingerprint ${ask.fingerprint}${ask.isFresh ? ", fresh" : ""}`
      : "";
  const result = verb === "complete" && ask.result !== undefined ? `, result ${ask.result}` : "";
  return `${nameOf(worker)} ${verb}s ${keys.join(" ")}${owner}${as}${terms}${result} (${fate})`;
}
