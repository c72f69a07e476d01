import type { ScenarioResult, Unit } from "./contest.js";

/** How much of a committed ratio must be left. */
const LEFT = 0.6;

/** Latencies of a short run say little, and with a given number of messages under way throughput tells their mean. */
const GATED: ReadonlySet<Unit> = new Set<Unit>([
  "messages/s",
  "Node µs/message",
  "Redis µs/message",
]);

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
    .filter(({ unit }) => GATED.has(unit))
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

/** Those of the second list that are in the first one too. */
export function fallenTwice(
  first: readonly FallenRatio[],
  second: readonly FallenRatio[],
): readonly FallenRatio[] {
  const fallenBefore = new Set(first.map(nameOf));
  return second.filter((fallen) => fallenBefore.has(nameOf(fallen)));
}

function nameOf({ scenario, unit, ours, peer }: FallenRatio): string {
  return `${scenario} [${unit}]: ${ours} ÷ ${peer}`;
}

/** For people. */
export function fallenLine(fallen: FallenRatio): string {
  const { committed, measured } = fallen;
  const now = measured === undefined ? "was not measured" : `is ${measured}`;
  return `${nameOf(fallen)} ${now}, committed ${committed}`;
}

function hasFallen({ unit, committed, measured }: FallenRatio): boolean {
  if (measured === undefined) return true;
  const left = unit.endsWith("/s") ? measured / committed : committed / measured;
  // Not "<": what could not be computed has fallen too.
  return !(left >= LEFT);
}
