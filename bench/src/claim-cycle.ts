import { startRedis } from "@onlyonce/test/servers/redis-process";
import { ClaimCycleField } from "./claim-cycle-field.js";
import type { ScenarioResult } from "./contest.js";
import { countFor, type Effort } from "./effort.js";
import { holdRace } from "./meter.js";
import { DUPLICATES, type Shape, type Traffic } from "./traffic.js";

export type ShapeName =
  | "one at a time"
  | "64 at once"
  | "512 at once"
  | "batches of 64, two at once"
  | "batches of 500, two at once";

const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  "one at a time": { atOnce: 1, batch: 1, messages: 2000 },
  "64 at once": { atOnce: 64, batch: 1, messages: 20_000 },
  "512 at once": { atOnce: 512, batch: 1, messages: 20_000 },
  "batches of 64, two at once": { atOnce: 2, batch: 64, messages: 32_000 },
  "batches of 500, two at once": { atOnce: 2, batch: 500, messages: 32_000 },
};

export function claimCycleName(traffic: Traffic, shape: ShapeName): string {
  return `${traffic}, ${shape}`;
}

/**
 * What does guarding a message cost? Claim, a handler that does nothing, and completion, beside other ways to do it and
 * beside two SETs that guard nothing. All of them share one server without persistence, and take turns.
 *
 * @param only The names of the scenarios to run; all by default.
 */
export async function claimCycle(
  effort: Effort,
  onResult: (result: ScenarioResult) => void,
  only?: ReadonlySet<string>,
): Promise<void> {
  await using server = await startRedis();
  const field = await ClaimCycleField.open(server.url);
  try {
    await field.warmUp();
    for (const traffic of Object.keys(DUPLICATES) as Traffic[]) {
      for (const shape of Object.keys(SHAPES) as ShapeName[]) {
        const name = claimCycleName(traffic, shape);
        if (only?.has(name) === false) continue;
        const messages = countFor(effort, SHAPES[shape].messages);
        const race = await field.race(name, traffic, { ...SHAPES[shape], messages });
        for (const result of await holdRace(race, effort.rounds)) onResult(result);
      }
    }
  } finally {
    field.close();
  }
}
