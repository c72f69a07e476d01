import type { ClaimRequest, Completion, Held, Release, Store } from "@onlyonce/core";
import type { StoreFeatures, StoreUnderTest } from "./store-harness.js";

/** The subject as tests ask it: nothing reaches a store with bare completed records that it would refuse. */
export function askedFor(subject: StoreUnderTest, features: StoreFeatures): StoreUnderTest {
  if (features.completed !== "bare") return subject;
  const { peer } = subject;
  return {
    ...subject,
    store: withBareRequests(subject.store),
    ...(peer !== undefined && { peer: async () => withBareRequests(await peer.call(subject)) }),
  };
}

function withBareRequests(store: Store): Store {
  return {
    ...(store.system !== undefined && { system: store.system }),
    claim: (claims) => store.claim(claims.map(bare<ClaimRequest>)),
    remember: (claims) => store.remember(claims.map(bare<ClaimRequest>)),
    start: (held) => store.start(held.map(bare<Held>)),
    renew: (held) => store.renew(held.map(bare<Held>)),
    complete: (completions) => store.complete(completions.map(bare<Completion>)),
    release: (releases) => store.release(releases.map(bare<Release>)),
    inspect: (key) => store.inspect(key),
    forget: (key, seen) => store.forget(key, seen),
    check: () => store.check(),
    onFinding: (listener) => store.onFinding(listener),
    close: () => store.close(),
  };
}

function bare<Request extends object>(request: Request): Request {
  const {
    fingerprint: _,
    result: __,
    ...rest
  } = request as Request & {
    fingerprint?: string;
    result?: Uint8Array;
  };
  return rest as Request;
}

/** What a test expects in words, where completed records tell nothing of their origin. */
export function expectedOf(features: StoreFeatures, words: string): string {
  if (features.completed !== "bare") return words;
  return words
    .replace(/^(?:duplicate of|conflict with) .+$/, "duplicate of undefined")
    .replace(/^completed by .+$/, "completed by undefined");
}
