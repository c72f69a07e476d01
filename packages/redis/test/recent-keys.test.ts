import { describe, expect, test } from "vitest";
import { RecentKeys } from "../src/recent-keys.js";

describe("recent keys", () => {
  test.each([2, 3, 10, 1_000])("are never more than %i, whatever comes and goes", (maxKeys) => {
    const keys = new RecentKeys<number>(maxKeys);
    for (let index = 0; index < 20 * maxKeys; index += 1) {
      keys.set(`k${index}`, index);
      keys.get(`k${index >> 1}`);
      expect(keys.size).toBeLessThanOrEqual(maxKeys);
      expect(keys.get(`k${index}`)).toBe(index);
    }
  });

  test("keep what is in use, and forget what is not", () => {
    const keys = new RecentKeys<string>(10);
    keys.set("hot", "h");
    keys.set("cold", "c");
    for (let index = 0; index < 100; index += 1) {
      keys.set(`k${index}`, "");
      expect(keys.get("hot")).toBe("h");
    }
    expect(keys.get("cold")).toBeUndefined();
  });

  test("forget what they are told to, in either generation", () => {
    const keys = new RecentKeys<number>(4);
    for (const [index, key] of ["a", "b", "c"].entries()) keys.set(key, index);
    for (const key of ["a", "b", "c"]) {
      keys.delete(key);
      expect(keys.get(key)).toBeUndefined();
    }
    expect(keys.size).toBe(0);
    keys.set("a", 1);
    keys.clear();
    expect(keys.get("a")).toBeUndefined();
  });
});
