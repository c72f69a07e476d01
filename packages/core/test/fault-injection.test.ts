import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scenarios } from "./fault-scenario.js";
import { SimulatedBroker } from "./simulated-broker.js";

const { ONLYONCE_SEED, ONLYONCE_RUNS } = process.env;

describe("faults on any call of the store, crashes, shutdowns and redeliveries", () => {
  it("behaviour 95: lose no message, double no effect unreported, and leave nothing behind", async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown): number => unhandled.push(error);
    process.on("unhandledRejection", onUnhandled);
    try {
      await fc.assert(
        fc.asyncProperty(scenarios, async (scenario) => {
          await new SimulatedBroker(scenario).play();
          expect(unhandled).toEqual([]);
        }),
        {
          numRuns: Number(ONLYONCE_RUNS ?? 3000),
          ...(ONLYONCE_SEED && { seed: Number(ONLYONCE_SEED) }),
        },
      );
    } finally {
      process.off("unhandledRejection", onUnhandled);
    }
  }, 120_000);
});
