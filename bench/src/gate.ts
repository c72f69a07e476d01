import type { ScenarioResult, Unit } from "./contest.js";

/** How much of a committed ratio must be left. */
const LEFT = 0.6;

/** The tail of a short run says nothing. */
const NOT_GATED: ReadonlySet<Unit> = new Set<Unit>(["p99 µs"]);

/** A ratio that is no longer what it was. */
export interface FallenRatio {
  readonly scenario: string;
  readonly unit: Unit;
  readonly ours: string;
  readonly peer: string;
  readonly committed: number;
  /** Undefined: it was not measured, so a scenario or contestant was lost. */
  readonly measured: number | undefined;
}

/** Those of the committed ratios that fell under 60 % of what they were, or are gone. */
export function fallenRatios(
  committed: readonly ScenarioResult[],
  measured: readonly ScenarioResult[],
): readonly FallenRatio[] {
  return committed
    .filter(({ unit }) => !NOT_GATED.has(unit))
    .flatMap(({ name, unit, ratios }) => {
      const now = measured.find((one) => one.name === name && one.unit === unit);
      return Object.entries(ratios).flatMap(([ours, byPeer]) =>
        Object.entries(byPeer)
          .map(([peer, before]): FallenRatio => {
            const ratio = now?.ratios[ours]?.[peer];
            return { scenario: name, unit, ours, peer, committed: before, measured: ratio };
          })
          .filter(hasFallen),
      );
    });
}

/** For people. */
export function fallenLine(fallen: FallenRatio): string {
  const { scenario, unit, ours, peer, committed, measured } = fallen;
  const now = measured === undefined ? "was not measured" : `is ${measured}`;
  return `${scenario} [${unit}]: ${ours} ÷ ${peer} ${now}, committed ${committed}`;
}

function hasFallen({ unit, committed, measured }: FallenRatio): boolean {
  if (measured === undefined) return true;
  const left = unit.endsWith("/s") ? measured / committed : committed / measured;
  // Not "<": what could not be computed has fallen too.
  return !(left >= LEFT);
}
