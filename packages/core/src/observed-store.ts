import type { Clock } from "./clock.js";
import type { ClaimEvent, StoreCall } from "./observer.js";
import type { Observers } from "./observers.js";
import type { Store, StoreFailure } from "./store.js";
import { traitsOf } from "./store-traits.js";

type Operation = StoreCall["operation"];
type Reply = string | { readonly status: string } | StoreFailure;

/** A store that tells of every call that deliveries make. Only there where somebody may want to hear of them. */
export function observedStore(store: Store, clock: Clock, observers: Observers): Store {
  const { system } = store;
  const observed = <Replies extends readonly Reply[]>(
    operation: Operation,
    size: number,
    call: () => Promise<Replies>,
  ): Promise<Replies> => (observers.hearStoreCalls ? timed(operation, size, call) : call());
  const timed = async <Replies extends readonly Reply[]>(
    operation: Operation,
    size: number,
    call: () => Promise<Replies>,
  ): Promise<Replies> => {
    const sentAtMs = clock.nowMs();
    const about = (): Pick<StoreCall, "operation" | "size" | "durationMs" | "system"> => ({
      operation,
      size,
      durationMs: clock.nowMs() - sentAtMs,
      ...(system === undefined ? undefined : { system }),
    });
    let replies: Replies;
    try {
      replies = await call();
    } catch (error) {
      const result = operation === "claim" ? ({ result: "error" } as const) : undefined;
      observers.storeCall({ ...about(), error, ...result });
      throw error;
    }
    const failure = replies.find(isFailure);
    const result = operation === "claim" ? commonResult(replies) : undefined;
    observers.storeCall({
      ...about(),
      ...(failure === undefined ? undefined : { error: failure.error }),
      ...(result === undefined ? undefined : { result }),
    });
    return replies;
  };
  return {
    ...traitsOf(store),
    claim: (claims) => observed("claim", claims.length, () => store.claim(claims)),
    start: (held) => observed("start", held.length, () => store.start(held)),
    renew: (held) => observed("renew", held.length, () => store.renew(held)),
    complete: (completions) =>
      observed("complete", completions.length, () => store.complete(completions)),
    release: (releases) => observed("release", releases.length, () => store.release(releases)),
    remember: (claims) => store.remember(claims),
    inspect: (key) => store.inspect(key),
    forget: (key, seen) => store.forget(key, seen),
    check: () => store.check(),
    onFinding: (listener) => store.onFinding(listener),
    close: () => store.close(),
  };
}

function isFailure(reply: Reply): reply is StoreFailure {
  return typeof reply === "object" && reply.status === "error";
}

const RESULTS: ReadonlySet<string> = new Set<ClaimEvent["result"]>([
  "acquired",
  "reclaimed",
  "duplicate",
  "busy",
  "conflict",
  "error",
]);

function isResult(status: string): status is ClaimEvent["result"] {
  return RESULTS.has(status);
}

/** Undefined where claims of one call came to different things, or a token was used up. */
function commonResult(replies: readonly Reply[]): ClaimEvent["result"] | undefined {
  const [first] = replies;
  if (typeof first !== "object" || !isResult(first.status)) return undefined;
  const isCommon = replies.every(
    (reply) => typeof reply === "object" && reply.status === first.status,
  );
  return isCommon ? first.status : undefined;
}
