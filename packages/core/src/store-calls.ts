import { storeRetryMs } from "./decide.js";
import type { Engine } from "./engine.js";
import type { Lease } from "./lease-keeper.js";
import type {
  CompleteReply,
  Completion,
  Release,
  ReleaseReply,
  StartReply,
  StoreFailure,
} from "./store.js";
import { wait } from "./wait.js";

/** What a call that is repeated until it is answered came to. */
export type Answer<Reply> =
  | { readonly answered: true; readonly reply: Reply }
  | { readonly answered: false; readonly error: unknown };

function isFailure(reply: unknown): reply is StoreFailure {
  return typeof reply === "object" && reply !== null;
}

/** Sends until the store answers or `untilMs` has passed; at least once. Every call may be executed twice, so this is safe. */
async function persist<Reply extends string>(
  engine: Engine,
  untilMs: () => number,
  send: () => Promise<readonly (Reply | StoreFailure)[]>,
): Promise<Answer<Reply>> {
  for (let round = 0; ; round += 1) {
    let error: unknown;
    let isFinal = false;
    try {
      const [reply] = await send();
      if (reply !== undefined && !isFailure(reply)) return { answered: true, reply };
      error = reply?.error ?? new Error("the store gave no answer");
      isFinal = reply?.unreadable === true;
    } catch (thrown) {
      error = thrown;
    }
    if (isFinal || engine.clock.nowMs() >= untilMs()) return { answered: false, error };
    await wait(engine.clock, storeRetryMs(round));
  }
}

/**
 * How long an ending is retried: while the lease lives, and no longer than one lease after the run ended. A renewal
 * that was answered `lost` changes nothing here: it may just have come after the ending whose answer is awaited.
 */
function whileLeaseLives(engine: Engine, lease: Lease): () => number {
  const latestMs = engine.clock.nowMs() + lease.held.leaseMs;
  return () => Math.min(latestMs, lease.deadlineMs);
}

export function complete(
  engine: Engine,
  lease: Lease,
  result: Uint8Array | undefined,
): Promise<Answer<Exclude<CompleteReply, StoreFailure>>> {
  const completion: Completion = result === undefined ? lease.held : { ...lease.held, result };
  return persist(engine, whileLeaseLives(engine, lease), () => engine.store.complete([completion]));
}

export function release(
  engine: Engine,
  lease: Lease,
  as: "failed" | "unstarted" | "reset",
): Promise<Answer<Exclude<ReleaseReply, StoreFailure>>> {
  const request: Release = { ...lease.held, as };
  return persist(engine, whileLeaseLives(engine, lease), () => engine.store.release([request]));
}

/** Gives back a claim that never started, although the store does not answer: until the lease ends, or the engine closes. */
export function releaseUnstarted(
  engine: Engine,
  lease: Lease,
): Promise<Answer<Exclude<ReleaseReply, StoreFailure>>> {
  const request: Release = { ...lease.held, as: "unstarted" };
  const untilMs = (): number => (engine.closing.aborted ? 0 : lease.deadlineMs);
  return persist(engine, untilMs, () => engine.store.release([request]));
}

/** Marks the start and renews. */
export async function start(
  engine: Engine,
  lease: Lease,
): Promise<Answer<Exclude<StartReply, StoreFailure>>> {
  let sentAtMs = 0;
  const answer = await persist(engine, whileLeaseLives(engine, lease), () => {
    sentAtMs = engine.clock.nowMs();
    return engine.store.start([lease.held]);
  });
  if (answer.answered && answer.reply === "ok") lease.answered(sentAtMs);
  return answer;
}

/** An unprotected run records its completion too, by token alone and with one try: the store is known to be in trouble. */
export function completeUnanswered(
  engine: Engine,
  completion: Completion,
): Promise<Answer<Exclude<CompleteReply, StoreFailure>>> {
  return persist(
    engine,
    () => 0,
    () => engine.store.complete([completion]),
  );
}
