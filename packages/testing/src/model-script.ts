import type { StoreVerb } from "./faulty-store.js";
import { AdvanceTo, type Command, type Errand, Send } from "./model-commands.js";
import type { StoreFeatures } from "./store-harness.js";

/** A sequence of steps that shows what is wrong with some rule. */
export interface Script {
  readonly name: string;
  readonly steps: readonly Command[];
  /** Only for stores whose records can be damaged. */
  readonly needs?: StoreFeatures["records"];
}

const WORKERS = { A: 0, B: 1, C: 2 } as const;
type Name = keyof typeof WORKERS;

const USUAL: Omit<Errand, "verb" | "worker"> = {
  keys: [0],
  fate: "answered",
  isFresh: false,
  grant: "last",
  as: "failed",
  leaseMs: 60_000,
  windowMs: 600_000,
  origin: "coordinates",
  fingerprint: undefined,
  result: undefined,
};

export function errand(who: Name, verb: StoreVerb, more: Partial<Errand> = {}): Errand {
  return { ...USUAL, verb, worker: WORKERS[who], ...more };
}

export function send(...args: Parameters<typeof errand>): Command {
  return new Send(errand(...args));
}

/** With a lease that a real clock can be waited for. */
export const SHORT: Pick<Errand, "leaseMs"> = { leaseMs: 60 };
export const lapse: Command = new AdvanceTo(0, "leaseEnd", 0);
/** B holds what A let lapse, under grant 2. */
export const takeover: readonly Command[] = [send("A", "claim", SHORT), lapse, send("B", "claim")];
/** A holds the key again, under its old token and grant 3. */
export const heldAgain: readonly Command[] = [
  ...takeover,
  send("B", "release"),
  send("A", "claim"),
];
