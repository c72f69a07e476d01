import type {
  ClaimReply,
  ClaimRequest,
  CompleteReply,
  Completion,
  Held,
  RememberReply,
  ReplicaWait,
  StoreFailure,
} from "@onlyonce/core";
import type { CallQueue } from "./call-queue.js";
import type { Lane } from "./lane.js";
import { lostBeforeReplication } from "./store-error.js";
import type { KeyedRequest, Verb } from "./verb.js";
import { completeVerb, rememberVerb, renewVerb } from "./verbs.js";

/** Sends through lanes whose calls are answered once enough replicas have what they changed. */
export type SendAndWait = <Request extends KeyedRequest, Reply>(
  requests: readonly Request[],
  verb: Verb<Request, Reply>,
  queueIn: (lane: Lane) => CallQueue<Request, Reply>,
  wait: ReplicaWait,
) => Promise<readonly (Reply | StoreFailure)[]>;

/** How what was changed is asked for again, and what the answer makes of the first one. */
interface Confirmation<Request, Reply, Asked extends KeyedRequest, Answer> {
  readonly verb: Verb<Asked, Answer>;
  queueIn(lane: Lane): CallQueue<Asked, Answer>;
  /** Undefined: nothing was changed that a failover could lose. */
  ask(request: Request, reply: Reply): Asked | undefined;
  merge(reply: Reply, answer: Answer): Reply | StoreFailure;
}

/** What waits for the same replicas; the index of each in its call. */
interface Group<Asked> {
  readonly wait: ReplicaWait;
  readonly indices: number[];
  readonly asked: Asked[];
}

/** The renewal of a claim by its own token changes nothing but its lease, and finds out whether it still stands. */
const CLAIMED: Confirmation<
  ClaimRequest,
  Exclude<ClaimReply, StoreFailure>,
  Held,
  "ok" | "restored" | "lost" | StoreFailure
> = {
  verb: renewVerb,
  queueIn: (lane) => lane.renew,
  ask: (request, reply) =>
    reply.status === "acquired" || reply.status === "reclaimed"
      ? { ...request, grant: reply.grant }
      : undefined,
  merge: (reply, answer) => {
    if (answer === "ok" || answer === "restored") return reply;
    return answer === "lost" ? lostBeforeReplication() : answer;
  },
};

const REMEMBERED: Confirmation<
  ClaimRequest,
  Exclude<RememberReply, StoreFailure>,
  ClaimRequest,
  RememberReply
> = {
  verb: rememberVerb,
  queueIn: (lane) => lane.remember,
  ask: (request, reply) => (reply.status === "new" ? request : undefined),
  merge: (_reply, answer) => answer,
};

/** A completion that is asked for again gets the first answer, or is recorded anew where the first one is gone. */
const COMPLETED: Confirmation<
  Completion,
  Exclude<CompleteReply, StoreFailure>,
  Completion,
  CompleteReply
> = {
  verb: completeVerb,
  queueIn: (lane) => lane.complete,
  ask: (request) => request,
  // What was late or stolen at first stays so.
  merge: (reply, answer) => (reply === "ok" ? answer : reply),
};

export function wantReplicas(requests: readonly ClaimRequest[]): boolean {
  for (const { replicas } of requests) if (replicas !== undefined) return true;
  return false;
}

/**
 * Turns answers about changes that too few replicas have into failures. The change itself goes the way of all calls; it is
 * then asked for again on a connection that waits. So no call waits behind the replicas of another topic, and a change
 * that a failover took away in between is not taken for one that replicas have.
 */
export class Replication {
  readonly #send: SendAndWait;

  constructor(send: SendAndWait) {
    this.#send = send;
  }

  claims(
    requests: readonly ClaimRequest[],
    replies: Promise<readonly ClaimReply[]>,
  ): Promise<readonly ClaimReply[]> {
    return this.#confirmed(requests, replies, CLAIMED);
  }

  remembered(
    requests: readonly ClaimRequest[],
    replies: Promise<readonly RememberReply[]>,
  ): Promise<readonly RememberReply[]> {
    return this.#confirmed(requests, replies, REMEMBERED);
  }

  completions(
    requests: readonly Completion[],
    replies: Promise<readonly CompleteReply[]>,
  ): Promise<readonly CompleteReply[]> {
    return this.#confirmed(requests, replies, COMPLETED);
  }

  async #confirmed<Request extends ClaimRequest, Reply, Asked extends KeyedRequest, Answer>(
    requests: readonly Request[],
    first: Promise<readonly (Reply | StoreFailure)[]>,
    confirmation: Confirmation<Request, Reply, Asked, Answer>,
  ): Promise<readonly (Reply | StoreFailure)[]> {
    const replies = [...(await first)];
    const groups = new Map<string, Group<Asked>>();
    for (const [index, request] of requests.entries()) {
      const reply = replies[index];
      if (request.replicas === undefined || reply === undefined || isFailure(reply)) continue;
      const again = confirmation.ask(request, reply);
      if (again === undefined) continue;
      const name = `${request.replicas.min}/${request.replicas.timeoutMs}`;
      const group = groups.get(name) ?? { wait: request.replicas, indices: [], asked: [] };
      groups.set(name, group);
      group.indices.push(index);
      group.asked.push(again);
    }
    const confirm = async ({ wait, indices, asked }: Group<Asked>): Promise<void> => {
      const answers = await this.#answers(asked, confirmation, wait);
      for (const [place, index] of indices.entries()) {
        const [reply, answer] = [replies[index], answers[place]];
        if (reply === undefined || answer === undefined || isFailure(reply)) continue;
        replies[index] = isFailure(answer) ? answer : confirmation.merge(reply, answer);
      }
    };
    await Promise.all([...groups.values()].map(confirm));
    return replies;
  }

  async #answers<Request, Reply, Asked extends KeyedRequest, Answer>(
    asked: readonly Asked[],
    { verb, queueIn }: Confirmation<Request, Reply, Asked, Answer>,
    wait: ReplicaWait,
  ): Promise<readonly (Answer | StoreFailure)[]> {
    try {
      return await this.#send(asked, verb, queueIn, wait);
    } catch (error) {
      return asked.map(() => ({ status: "error", error }));
    }
  }
}

function isFailure(reply: unknown): reply is StoreFailure {
  return typeof reply === "object" && reply !== null && Reflect.get(reply, "status") === "error";
}
