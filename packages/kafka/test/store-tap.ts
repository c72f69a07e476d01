import type { ClaimReply, Store } from "@onlyonce/core";

export type StoreCall = "claim" | "start" | "renew" | "complete" | "release";

/** A store that does what `store` does, with every call of a delivery's life going through `around`. */
export function tap(
  store: Store,
  around: <Reply>(call: StoreCall, send: () => Promise<Reply>) => Promise<Reply>,
): Store {
  return {
    claim: (claims) => around("claim", () => store.claim(claims)),
    start: (held) => around("start", () => store.start(held)),
    renew: (held) => around("renew", () => store.renew(held)),
    complete: (completions) => around("complete", () => store.complete(completions)),
    release: (releases) => around("release", () => store.release(releases)),
    remember: (claims) => store.remember(claims),
    inspect: (key) => store.inspect(key),
    forget: (key, seen) => store.forget(key, seen),
    check: () => store.check(),
    onFinding: (listener) => store.onFinding(listener),
    close: () => store.close(),
  };
}

/** Notes what claims were answered, so that a test can wait for a consumer to be waiting. */
export class ClaimLog {
  readonly answers: ClaimReply["status"][] = [];

  of(store: Store): Store {
    const claim: Store["claim"] = async (claims) => {
      const replies = await store.claim(claims);
      this.answers.push(...replies.map(({ status }) => status));
      return replies;
    };
    return { ...tap(store, (_, send) => send()), claim };
  }
}
