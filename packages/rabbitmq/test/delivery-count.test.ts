import { describe, expect, it } from "vitest";
import { deathCount, deliveryCount, isNearLimit } from "../src/delivery-count.js";

function long(value: number): object {
  return { toNumber: () => value, toString: () => String(value) };
}

describe("behaviour 70: the broker's delivery count is read right, whatever its shape", () => {
  it.each([
    ["no headers", undefined, 0],
    ["absent", {}, 0],
    ["0", { "x-delivery-count": 0 }, 0],
    ["a number", { "x-delivery-count": 3 }, 3],
    ["a bigint", { "x-delivery-count": 3n }, 3],
    ["a Long, as some clients have it", { "x-delivery-count": long(3) }, 3],
    ["a list", { "x-delivery-count": [3] }, 0],
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

describe("what a message's deaths say", () => {
  const rejected = { queue: "payments", reason: "rejected", exchange: "dlx", count: 3 };
  it.each([
    ["no headers", undefined, 0],
    ["absent", {}, 0],
    ["a list of one", { "x-death": [rejected] }, 3],
    ["a table without its list", { "x-death": rejected }, 3],
    ["a bigint", { "x-death": [{ ...rejected, count: 4n }] }, 4],
    ["a string", { "x-death": [{ ...rejected, count: "5" }] }, 5],
    ["a Long", { "x-death": [{ ...rejected, count: long(6) }] }, 6],
    ["no count", { "x-death": [{ ...rejected, count: undefined }] }, 0],
    ["expired elsewhere", { "x-death": [{ ...rejected, queue: "wait", reason: "expired" }] }, 0],
    ["rejected elsewhere", { "x-death": [{ ...rejected, queue: "other" }] }, 0],
    ["expired here", { "x-death": [{ ...rejected, reason: "expired" }, rejected] }, 3],
    ["an empty list", { "x-death": [] }, 0],
    ["words", { "x-death": ["rejected", null, 7] }, 0],
    ["a word", { "x-death": "rejected" }, 0],
    ["null", { "x-death": null }, 0],
  ])("%s", (_, headers, expected) => {
    expect(deathCount(headers, "payments")).toBe(expected);
  });

  it("an inherited property is not a header", () => {
    expect(deathCount(Object.create({ "x-death": [rejected] }), "payments")).toBe(0);
  });
});
