import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BROKEN_VARIANTS, INCIDENTS_NEEDED, STUCK_VARIANTS } from "./broken-variants.js";
import { check, propertyNames, readReport } from "./checker.js";
import { CONFIGURATIONS } from "./configurations.js";
import { findTools, type Tools } from "./tools.js";

let tools: Tools;
let dir = "";

beforeAll(async () => {
  tools = await findTools();
});

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "onlyonce-model-"));
  return () => rm(dir, { recursive: true, force: true });
});

describe("the claim protocol as built", () => {
  for (const { name, ...given } of CONFIGURATIONS) {
    const promise = given.search === "safety" ? "does no harm in any state" : "settles everything";
    it(`${promise} with ${name}`, async () => {
      const { violated, isExhaustive, report } = await check(tools, dir, given);
      expect(violated, report).toBeUndefined();
      expect(isExhaustive, report).toBe(true);
    });
  }

  it.each(INCIDENTS_NEEDED)("tells of a double by an incident alone when $when", async (given) => {
    const defines = { ...given.defines, [`BROKEN_${given.name}`]: true } as const;
    const { violated, report } = await check(tools, dir, { search: "safety", defines });
    expect(violated, report).toBe(given.violates);
  });
});

describe("the checker", () => {
  const searches = [
    ...BROKEN_VARIANTS.map((variant) => ({ ...variant, search: "safety" as const })),
    ...STUCK_VARIANTS.map((variant) => ({ ...variant, search: "progress" as const })),
  ];
  it.each(searches)("catches $name with $defines: $violates", async (variant) => {
    const defines = { ...variant.defines, [`BROKEN_${variant.name}`]: true } as const;
    const { violated, report } = await check(tools, dir, { search: variant.search, defines });
    expect(violated, report).toBe(variant.violates);
  });

  it("finds no fault with the same troubles while every rule is on", async () => {
    const { violated, isExhaustive, report } = await check(tools, dir, {
      search: "safety",
      defines: { NET_FAULTS: 1, STALLS: 1, FAILURES: 1 },
    });
    expect(violated, report).toBeUndefined();
    expect(isExhaustive, report).toBe(true);
  });

  it("knows every macro that breaks a rule, and no other", async () => {
    const used = new Set<string>();
    for (const file of await readdir(import.meta.dirname)) {
      if (!file.endsWith(".pml")) continue;
      const text = await readFile(join(import.meta.dirname, file), "utf8");
      for (const [, name = ""] of text.matchAll(/#ifn?def BROKEN_(\w+)/g)) used.add(name);
    }
    const known = [...BROKEN_VARIANTS, ...STUCK_VARIANTS, ...INCIDENTS_NEEDED];
    expect([...used].sort()).toEqual([...new Set(known.map(({ name }) => name))].sort());
  });

  it("does not take a search that was cut off for an exhaustive one", async () => {
    const names = await propertyNames();
    const good = "Full statespace search for:\ndepth reached 9, errors: 0\n  12 states, stored\n";
    expect(readReport(good, names)).toMatchObject({ isExhaustive: true, states: 12 });
    for (const flaw of [
      "error: max search depth too small",
      "Warning: Search not completed",
      "pan: out of memory",
    ]) {
      expect(readReport(`${flaw}\n${good}`, names).isExhaustive).toBe(false);
    }
    expect(() => readReport("Segmentation fault", names)).toThrow("can't be read");
  });
});
