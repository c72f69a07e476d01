import type {
  ClaimReply,
  ClaimRequest,
  CompleteReply,
  Completion,
  Held,
  KeyRecord,
  Release,
  ReleaseReply,
  RememberReply,
  RenewReply,
  StartReply,
  StoreFailure,
} from "@onlyonce/core";
import type { Call } from "./call.js";
import { CallQueue, type CallSource } from "./call-queue.js";
import { forgetVerb, inspectVerb, type Look } from "./look-verbs.js";
import type { ResolvedOptions } from "./options.js";
import { callFailure, isNoScript, timedOut } from "./store-error.js";
import type { KeyedRequest, Verb } from "./verb.js";
import {
  claimVerb,
  completeVerb,
  releaseVerb,
  rememberVerb,
  renewVerb,
  startVerb,
} from "./verbs.js";
import type { ScriptCommands } from "./waiting-connection.js";

/** Places for the keys under way; more keys than that only share places. A Cluster has 64 lanes. */
const TABLE_SIZE = 4096;
const CLUSTER_TABLE_SIZE = 64;

/** How many calls may be given up and yet be with the client, for each that may be under way. */
const GIVEN_UP_PER_CALL = 4;
/** A call that the client has not settled for so many timeouts is no longer counted. */
const FORGOTTEN_AFTER_TIMEOUTS = 30;

/**
 * The way to one server, or to one slot group of a Cluster. What is asked for in one turn of the event loop, or while
 * the allowed number of calls is under way, travels together: one script call for each verb, completions first.
 */
export class Lane {
  readonly claim: CallQueue<ClaimRequest, ClaimReply>;
  readonly remember: CallQueue<ClaimRequest, RememberReply>;
  readonly start: CallQueue<Held, StartReply>;
  readonly renew: CallQueue<Held, RenewReply>;
  readonly complete: CallQueue<Completion, CompleteReply>;
  readonly release: CallQueue<Release, ReleaseReply>;
  readonly inspect: CallQueue<Look, { readonly record?: KeyRecord }>;
  readonly forget: CallQueue<Look, boolean | StoreFailure>;
  readonly #byPriority: readonly CallSource[];
  readonly #redis: ScriptCommands;
  readonly #options: ResolvedOptions;
  readonly #onNoScript: () => void;
  /** A plain array: a Set that sees so much traffic leaves its old tables to the major collector. */
  readonly #underWay: Call[] = [];
  /** Given up, but neither answered nor rejected by the client, which may keep them for a server that is down. */
  #givenUp: Call[] = [];
  #isScheduled = false;

  constructor(
    redis: ScriptCommands,
    options: ResolvedOptions,
    onOdd: (code: string) => void,
    onNoScript: () => void,
  ) {
    this.#redis = redis;
    this.#onNoScript = onNoScript;
    this.#options = options;
    const tableSize = redis.isCluster === true ? CLUSTER_TABLE_SIZE : TABLE_SIZE;
    const queue = <Request extends KeyedRequest, Reply>(verb: Verb<Request, Reply>) =>
      new CallQueue(verb, options.maxKeysPerCall, tableSize, onOdd, () => this.schedule());
    this.claim = queue(claimVerb);
    this.remember = queue(rememberVerb);
    this.start = queue(startVerb);
    this.renew = queue(renewVerb);
    this.complete = queue(completeVerb);
    this.release = queue(releaseVerb);
    this.inspect = queue(inspectVerb);
    this.forget = queue(forgetVerb);
    this.#byPriority = [
      this.complete,
      this.release,
      this.start,
      this.renew,
      this.claim,
      this.remember,
      this.forget,
      this.inspect,
    ];
  }

  /** Sends what waits once the code that runs now, and the promises that it settled, are through. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#flush);
  }

  /** Gives up the calls whose time is over, and makes their places free. */
  expire(nowMs: number): void {
    for (const queue of this.#byPriority) queue.prune();
    const { commandTimeoutMs } = this.#options;
    const forgottenMs = nowMs - commandTimeoutMs * FORGOTTEN_AFTER_TIMEOUTS;
    this.#givenUp = this.#givenUp.filter((call) => call.deadlineMs > forgottenMs);
    for (const call of this.#underWay.filter((one) => one.deadlineMs <= nowMs)) {
      this.#givenUp.push(call);
      this.#over(call, () => call.fail(timedOut(commandTimeoutMs)));
    }
    this.schedule();
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    const nowMs = performance.now();
    for (const queue of this.#byPriority) {
      while (queue.isReady(nowMs)) {
        if (!this.#hasPlace()) return;
        this.#send(queue.take(nowMs));
      }
    }
  };

  /** Answers come in order: while old calls have none, new ones would only pile up in the client. */
  #hasPlace(): boolean {
    const { maxCallsInFlight } = this.#options;
    return (
      this.#underWay.length < maxCallsInFlight &&
      this.#givenUp.length < maxCallsInFlight * GIVEN_UP_PER_CALL
    );
  }

  #send(call: Call): void {
    this.#underWay.push(call);
    this.#await(call, () =>
      this.#redis.evalsha(call.script.sha1, call.keyCount, ...call.parameters),
    );
  }

  /** Never rejects: what goes wrong is told to the call, and to nobody when its time is over. */
  #await(call: Call, send: () => Promise<unknown>): void {
    let reply: Promise<unknown>;
    try {
      reply = send();
    } catch (error) {
      this.#failed(call, error);
      return;
    }
    reply.then(
      (value) => this.#over(call, () => call.answer(value)),
      (error: unknown) => this.#failed(call, error),
    );
  }

  #failed(call: Call, error: unknown): void {
    if (isNoScript(error) && this.#underWay.includes(call)) {
      this.#onNoScript();
      this.#await(call, () =>
        this.#redis.eval(call.script.source, call.keyCount, ...call.parameters),
      );
      return;
    }
    this.#over(call, () => call.fail(callFailure(error)));
  }

  #over(call: Call, settle: () => void): void {
    const place = this.#underWay.indexOf(call);
    if (place >= 0) {
      this.#underWay.splice(place, 1);
      settle();
    } else {
      this.#givenUp = this.#givenUp.filter((one) => one !== call);
    }
    this.schedule();
  }
}
