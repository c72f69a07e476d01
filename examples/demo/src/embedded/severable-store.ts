import type { Store } from "@onlyonce/core";

/** A store as one process sees it: once that process is dead, nothing it sends arrives any more. */
export interface SeverableStore {
  readonly store: Store;
  sever(): void;
}

export function severable(shared: Store): SeverableStore {
  let isSevered = false;
  const unlessSevered = <Reply>(call: () => Promise<Reply>): Promise<Reply> =>
    isSevered ? new Promise<never>(() => {}) : call();
  const store: Store = {
    claim: (claims) => unlessSevered(() => shared.claim(claims)),
    remember: (claims) => unlessSevered(() => shared.remember(claims)),
    start: (held) => unlessSevered(() => shared.start(held)),
    renew: (held) => unlessSevered(() => shared.renew(held)),
    complete: (completions) => unlessSevered(() => shared.complete(completions)),
    release: (releases) => unlessSevered(() => shared.release(releases)),
    inspect: (key) => unlessSevered(() => shared.inspect(key)),
    forget: (key, seen) => unlessSevered(() => shared.forget(key, seen)),
    check: () => unlessSevered(() => shared.check()),
    onFinding: (listener) => shared.onFinding(listener),
    close: () => Promise.resolve(),
  };
  return {
    store,
    sever() {
      isSevered = true;
    },
  };
}
