import { describe, expect, it } from "vitest";
import { deliveryCount, isNearLimit } from "../src/delivery-count.js";

describe("behaviour 70: the broker's delivery count is read right, whatever its shape", () => {
  it.each([
    ["no headers", undefined, 0],
    ["absent", {}, 0],
    ["0", { "x-delivery-count": 0 }, 0],
    ["a number", { "x-delivery-count": 3 }, 3],
    ["a bigint", { "x-delivery-count": 3n }, 3],
    ["a string", { "x-delivery-count": "12" }, 12],
    ["the string 0", { "x-delivery-count": "0" }, 0],
    ["an empty string", { "x-delivery-count": "" }, 0],
    ["a padded string", { "x-delivery-count": " 3" }, 0],
    ["a word", { "x-delivery-count": "many" }, 0],
    ["hexadecimal", { "x-delivery-count": "0x10" }, 0],
    ["negative", { "x-delivery-count": -1 }, 0],
    ["a fraction", { "x-delivery-count": 1.5 }, 0],
    ["not a number", { "x-delivery-count": Number.NaN }, 0],
    ["null", { "x-delivery-count": null }, 0],
    ["a table", { "x-delivery-count": { value: 3 } }, 0],
  ])("%s", (_, headers, expected) => {
    expect(deliveryCount(headers)).toBe(expected);
  });

  it("an inherited property is not a header", () => {
    expect(deliveryCount(Object.create({ "x-delivery-count": 9 }))).toBe(0);
  });
});

describe("a message is near its limit from three quarters of it on", () => {
  it.each([
    [20, 14, false],
    [20, 15, true],
    [20, 20, true],
    [4, 2, false],
    [4, 3, true],
    [2, 0, false],
    [2, 1, true],
    [1, 0, true],
  ])("limit %i, delivered %i times before: %s", (limit, count, expected) => {
    expect(isNearLimit(count, limit)).toBe(expected);
  });
});
