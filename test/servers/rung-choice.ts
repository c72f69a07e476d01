import type { Rung } from "./service.js";

/** The rungs in the order in which they are tried. */
export const LADDER = ["url", "compose", "container", "path", "cache"] as const satisfies Rung[];

/** What a look at one rung showed; the reason is a few words for people. */
export interface Finding {
  readonly isUsable: boolean;
  readonly reason: string;
}

/** What is known so far; a missing rung has not been looked at yet. */
export type Findings = Readonly<Partial<Record<Rung, Finding>>>;

/** What to do next on the way up. */
export type Choice =
  | { readonly step: "look"; readonly rung: Rung }
  | { readonly step: "take"; readonly rung: Rung; readonly reason: string }
  | { readonly step: "give up" };

/**
 * Takes the first usable rung, and asks for no look beyond it: looking costs time.
 *
 * A forced rung is the only one considered.
 */
export function chooseRung(findings: Findings, forced?: Rung): Choice {
  const passed: string[] = [];
  for (const rung of forced === undefined ? LADDER : [forced]) {
    const finding = findings[rung];
    if (finding === undefined) return { step: "look", rung };
    if (finding.isUsable) {
      const why = forced === undefined ? passed : [`forced by ONLYONCE_SERVICES=${forced}`];
      return { step: "take", rung, reason: [finding.reason, ...why].join("; ") };
    }
    passed.push(finding.reason);
  }
  return { step: "give up" };
}

/** The rung that `ONLYONCE_SERVICES` names. Throws RangeError for anything else but a rung. */
export function forcedRung(env: NodeJS.ProcessEnv): Rung | undefined {
  const value = env.ONLYONCE_SERVICES;
  if (value === undefined || value === "") return undefined;
  const rung = LADDER.find((known) => known === value);
  if (rung === undefined) {
    throw new RangeError(
      `ONLYONCE_SERVICES must be one of ${LADDER.join(", ")}, not ${JSON.stringify(value)}`,
    );
  }
  return rung;
}
