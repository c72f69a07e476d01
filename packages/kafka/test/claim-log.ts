import type { ClaimReply, Store } from "@onlyonce/core";

/** Notes what claims were answered, so that a test can wait for a consumer to be waiting. */
export class ClaimLog {
  readonly answers: ClaimReply["status"][] = [];

  /** A store that does what `store` does. */
  of(store: Store): Store {
    return {
      claim: async (claims) => {
        const replies = await store.claim(claims);
        this.answers.push(...replies.map(({ status }) => status));
        return replies;
      },
      remember: (claims) => store.remember(claims),
      start: (held) => store.start(held),
      renew: (held) => store.renew(held),
      complete: (completions) => store.complete(completions),
      release: (releases) => store.release(releases),
      inspect: (key) => store.inspect(key),
      forget: (key, seen) => store.forget(key, seen),
      check: () => store.check(),
      onFinding: (listener) => store.onFinding(listener),
      close: () => store.close(),
    };
  }
}
