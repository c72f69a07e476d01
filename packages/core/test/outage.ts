import type { Store } from "../src/index.js";

type Verb = "claim" | "remember" | "start" | "renew" | "complete" | "release";
type Trouble = "down" | "reply_lost";

/** A way to the store that can break per verb: `down` never reaches it, `reply_lost` is executed but not answered. */
export class Outage {
  readonly trouble = new Map<Verb, Trouble>();
  readonly calls: Verb[] = [];

  /** Breaks verbs, or all of them. */
  break(trouble: Trouble, ...verbs: readonly Verb[]): void {
    const all: readonly Verb[] = ["claim", "remember", "start", "renew", "complete", "release"];
    for (const verb of verbs.length > 0 ? verbs : all) this.trouble.set(verb, trouble);
  }

  mend(): void {
    this.trouble.clear();
  }

  count(verb: Verb): number {
    return this.calls.filter((call) => call === verb).length;
  }

  readonly wrap = (store: Store): Store => {
    const pass =
      <Given, Reply>(verb: Verb, call: (given: Given) => Promise<Reply>) =>
      async (given: Given): Promise<Reply> => {
        this.calls.push(verb);
        const trouble = this.trouble.get(verb);
        if (trouble === "down") throw new Error("connect ECONNREFUSED");
        const reply = await call(given);
        if (trouble === "reply_lost") throw new Error("Command timed out");
        return reply;
      };
    return {
      claim: pass("claim", (given) => store.claim(given)),
      remember: pass("remember", (given) => store.remember(given)),
      start: pass("start", (given) => store.start(given)),
      renew: pass("renew", (given) => store.renew(given)),
      complete: pass("complete", (given) => store.complete(given)),
      release: pass("release", (given) => store.release(given)),
      inspect: (key) => store.inspect(key),
      forget: (key, seen) => store.forget(key, seen),
      check: () => store.check(),
      onFinding: (listener) => store.onFinding(listener),
      close: () => store.close(),
    };
  };
}
