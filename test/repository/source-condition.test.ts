import * as core from "@onlyonce/core";
import { describe, expect, it } from "vitest";
// @boundaries-ignore this test is about what a package's name stands for
import * as source from "../../packages/core/src/index.js";

describe("tests", () => {
  it("run packages from their sources, so that no build can be stale", () => {
    expect(core.OnlyOnceError).toBe(source.OnlyOnceError);
  });

  it("load packages from their sources also where Node itself resolves them", () => {
    expect(import.meta.resolve("@onlyonce/core")).toMatch(/\/packages\/core\/src\/index\.ts$/);
  });
});
