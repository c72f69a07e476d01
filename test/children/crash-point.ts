import type { Store } from "@onlyonce/core";
import { tell } from "./parent.js";

/** Where a process dies: its claim is granted, its handler has ended, its completion is recorded. */
export type CrashPoint = "claimed" | "handled" | "recorded";

/** The store call at which a process dies, and whether the call is executed first. */
const CALLS = {
  claimed: { verb: "claim", isExecuted: true },
  handled: { verb: "complete", isExecuted: false },
  recorded: { verb: "complete", isExecuted: true },
} as const satisfies Record<CrashPoint, { verb: keyof Store; isExecuted: boolean }>;

/** A store at whose first call of a kind this process kills itself, as the kernel would: nothing is cleaned up. */
export function crashingStore(store: Store, point: CrashPoint): Store {
  const { verb, isExecuted } = CALLS[point];
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const call = member.bind(target) as (...given: unknown[]) => unknown;
      if (name !== verb) return call;
      return async (...given: unknown[]) => {
        if (isExecuted) await call(...given);
        return crash();
      };
    },
  });
}

/** Never resolves: this process kills itself once it has said so. */
export function crash(): Promise<never> {
  tell({ event: "crashing" }, () => process.kill(process.pid, "SIGKILL"));
  return new Promise(() => undefined);
}
