import type { Store } from "../src/store.js";

/** A store whose records can be lost behind its back: what is lost lives on under a name that nobody asks for. */
export interface ForgetfulStore {
  readonly store: Store;
  lose(key: string): void;
}

export function forgetfulStore(inner: Store): ForgetfulStore {
  const losses = new Map<string, number>();
  const nameOf = (key: string): string => `${key}#${losses.get(key) ?? 0}`;
  const named = <Call extends { readonly key: string }>(calls: readonly Call[]): Call[] =>
    calls.map((call) => ({ ...call, key: nameOf(call.key) }));
  return {
    lose: (key) => {
      losses.set(key, (losses.get(key) ?? 0) + 1);
    },
    store: {
      claim: (claims) => inner.claim(named(claims)),
      remember: (claims) => inner.remember(named(claims)),
      start: (held) => inner.start(named(held)),
      renew: (held) => inner.renew(named(held)),
      complete: (completions) => inner.complete(named(completions)),
      release: (releases) => inner.release(named(releases)),
      inspect: (key) => inner.inspect(nameOf(key)),
      forget: (key, seen) => inner.forget(nameOf(key), seen),
      check: () => inner.check(),
      onFinding: (listener) => inner.onFinding(listener),
      close: () => inner.close(),
    },
  };
}
