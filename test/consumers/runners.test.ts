import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { type Consumer, installConsumer } from "./consumer.js";

interface Report {
  readonly numPassedTests: number;
  readonly numTotalTests: number;
}

async function reportOf({ folder }: Consumer): Promise<Report> {
  return JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as Report;
}

describe("tests in Jest 30", () => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await installConsumer("jest", ["core"]);
    return () => consumer.remove();
  });

  const jest = (file: string): string[] => [
    "--experimental-vm-modules",
    "node_modules/jest/bin/jest.js",
    "--json",
    "--outputFile=report.json",
    file,
  ];

  it("use the memory store as ES modules", async () => {
    await consumer.run(jest("billing.test.js"));
    expect(await reportOf(consumer)).toMatchObject({ numPassedTests: 3, numTotalTests: 3 });
  });

  const requiring = inject("nodeRuntimes")
    .filter(({ version }) => Number.parseInt(version, 10) >= 24)
    .map(({ version, node }) => [version, node] as const);

  it.each(requiring)("require the packages on Node.js %s", async (_version, node) => {
    await consumer.run(jest("required.test.cjs"), { node });
    expect(await reportOf(consumer)).toMatchObject({ numPassedTests: 1, numTotalTests: 1 });
  });
});

it("a store of somebody else's passes the conformance suite in the oldest line of Vitest that we allow", async () => {
  const consumer = await installConsumer("vitest", ["core", "testing"]);
  onTestFinished(() => consumer.remove());
  await consumer.run([
    "node_modules/vitest/vitest.mjs",
    "run",
    "--reporter=json",
    "--outputFile=report.json",
  ]);
  const { numPassedTests, numTotalTests } = await reportOf(consumer);
  expect(numPassedTests).toBe(numTotalTests);
  expect(numPassedTests).toBeGreaterThan(200);
});
