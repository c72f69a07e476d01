import type { Store } from "@onlyonce/core";
import { type Answered, ModelKey } from "./model-key.js";
import { type Look, type Request, toldRequest } from "./model-record.js";
import { shown } from "./model-reply.js";
import type { Span } from "./model-span.js";
import { ModelWitness } from "./model-witness.js";
import { type Call, ModelWorker } from "./model-worker.js";
import type { StoreFeatures, StoreUnderTest } from "./store-harness.js";
import { newDigest } from "./test-key.js";

const KEYS = 2;
const WORKERS = ["A", "B", "C"];
/** How far apart the clock of the test and that of a server on the same machine may read, rounding included. */
const SLACK_MS = 2;

/** One key on both sides: what should stand there, and what was seen there. */
export interface Side {
  readonly digest: string;
  readonly model: ModelKey;
  readonly witness: ModelWitness;
  /** The different states in which it was seen, for an operator to remember. */
  readonly looks: Look[];
}

/** A call, and the worker whose way to the store it takes. */
export interface Trip {
  readonly worker: number;
  readonly call: Call;
}

/** A store and the model of it, going through one sequence of steps together. */
export class ModelRun {
  readonly features: StoreFeatures;
  readonly subject: StoreUnderTest;
  readonly keys: readonly Side[];
  readonly workers: readonly ModelWorker[];
  /** Every call that ever left a worker; a copy of it may still arrive. */
  readonly sent: Trip[] = [];
  readonly #stores: readonly Store[];
  /** What was asked and answered, told only when it is asked for. */
  readonly #story: (() => string)[] = [];
  #manualMs = 0;

  private constructor(
    subject: StoreUnderTest,
    stores: readonly Store[],
    features: StoreFeatures,
    onMeeting: (cell: string) => void,
  ) {
    this.subject = subject;
    this.features = features;
    this.#stores = stores;
    this.keys = Array.from({ length: KEYS }, () => ({
      digest: newDigest(),
      model: new ModelKey(onMeeting, features),
      witness: new ModelWitness(features),
      looks: [],
    }));
    const digests = this.keys.map(({ digest }) => digest);
    this.workers = WORKERS.map((name) => new ModelWorker(name, digests));
  }

  /** Gives each worker a way of its own to the store, where the harness has several. */
  static async over(
    subject: StoreUnderTest,
    features: StoreFeatures,
    onMeeting: (cell: string) => void,
  ): Promise<ModelRun> {
    const { store } = subject;
    const stores = [store, (await subject.peer?.()) ?? store, (await subject.peer?.()) ?? store];
    return new ModelRun(subject, stores, features, onMeeting);
  }

  /** What the clock of the test says. */
  now(): Span {
    if (this.features.clock === "manual") return { fromMs: this.#manualMs, toMs: this.#manualMs };
    const nowMs = performance.now();
    return { fromMs: nowMs - SLACK_MS, toMs: nowMs + SLACK_MS };
  }

  async advance(ms: number): Promise<void> {
    await this.subject.advance(ms);
    this.#manualMs += ms;
    this.note(() => `${ms} ms pass`);
  }

  /** Adds a line to the story of this run. */
  note(line: () => string): void {
    this.#story.push(line);
  }

  /** What happened, line by line. */
  story(): string {
    return this.#story.map((line) => `  ${line()}`).join("\n");
  }

  /** Executes calls at once, each on the way of its worker, and holds every answer to the model. Resolves with the replies. */
  async execute(calls: readonly Trip[]): Promise<readonly (readonly unknown[])[]> {
    const before = this.now();
    const replies = await Promise.all(
      calls.map(({ worker, call }) => send(this.#stores[worker] ?? this.subject.store, call)),
    );
    const span = { fromMs: before.fromMs, toMs: this.now().toMs };
    for (const [place, trip] of calls.entries()) {
      this.note(() => this.#told(trip, replies[place] ?? []));
    }
    for (const key of this.keys) {
      const lanes = calls.map(({ call }, place) =>
        answeredOf(call, replies[place] ?? [], key.digest),
      );
      this.#take(key, lanes, span);
    }
    return replies;
  }

  /** An operator deletes a record; undefined: whatever stands there. */
  async forget(key: Side, seen: Look | undefined): Promise<void> {
    const before = this.now();
    const reply = await this.subject.store.forget(key.digest, seen?.record).catch(refusal);
    const span = { fromMs: before.fromMs, toMs: this.now().toMs };
    this.note(() => `forget key ${this.keys.indexOf(key)}: ${shown(reply)}`);
    this.#take(key, [[{ verb: "forget", seen, reply }]], span);
  }

  /** Looks at every record, and holds what is seen to the model. */
  async inspect(): Promise<void> {
    const before = this.now();
    const records = await Promise.all(
      this.keys.map(({ digest }) => this.subject.store.inspect(digest)),
    );
    const span = { fromMs: before.fromMs, toMs: this.now().toMs };
    for (const [place, key] of this.keys.entries()) {
      const reply = records[place];
      this.#take(key, [[{ verb: "inspect", reply }]], span);
      key.witness.saw(reply, span);
      if (reply !== undefined && reply.revision !== key.looks.at(-1)?.record.revision) {
        key.looks.push({ record: reply, kept: key.model.worlds });
      }
    }
  }

  #take(key: Side, lanes: readonly (readonly Answered[])[], span: Span): void {
    const order = key.model.take(merges(lanes), span);
    for (const call of order) key.witness.heard(call, span);
  }

  #told({ worker, call }: Trip, replies: readonly unknown[]): string {
    const requests: readonly Request[] = call.requests;
    const asked = requests.map((request, place) => {
      const key = this.keys.findIndex(({ digest }) => digest === request.key);
      return `${toldRequest(request)} of key ${key}: ${shown(replies[place])}`;
    });
    return `${WORKERS[worker]} ${call.verb} ${asked.join(" | ")}`;
  }
}

async function send(store: Store, call: Call): Promise<readonly unknown[]> {
  switch (call.verb) {
    case "claim":
    case "remember":
      return store[call.verb](call.requests);
    case "start":
    case "renew":
      return store[call.verb](call.requests);
    case "complete":
      return store.complete(call.requests);
    case "release":
      return store.release(call.requests);
  }
}

/** What a call asked of one key, and what it was answered. */
function answeredOf(call: Call, replies: readonly unknown[], digest: string): readonly Answered[] {
  if (replies.length !== call.requests.length) {
    throw new Error(
      `${call.verb} of ${call.requests.length} keys was given ${replies.length} replies`,
    );
  }
  return call.requests.flatMap((request, place) =>
    request.key === digest ? [{ verb: call.verb, request, reply: replies[place] }] : [],
  );
}

/** Every order in which several sequences may have been executed. */
function merges<Item>(lanes: readonly (readonly Item[])[]): readonly (readonly Item[])[] {
  const open = lanes.filter((lane) => lane.length > 0);
  if (open.length <= 1) return [open[0] ?? []];
  return open.flatMap((lane, place) => {
    const [first, ...rest] = lane;
    const others = open.map((other, at) => (at === place ? rest : other));
    return merges(others).map((order) => (first === undefined ? order : [first, ...order]));
  });
}

function refusal(error: unknown): unknown {
  return { status: "error", error };
}
