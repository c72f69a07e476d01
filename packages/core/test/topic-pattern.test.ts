import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overlap, parsePattern } from "../src/topic-pattern.js";

describe("topic patterns", () => {
  it.each([
    ["clicks.*", "clicks.eu", true],
    ["clicks.*", "clicks.", true],
    ["clicks.*", "clicks", false],
    ["*.retry", "orders.retry", true],
    ["a*b*c", "a-b-c", true],
    ["a*b*c", "acb", false],
    ["a.b", "axb", false],
    ["*", "anything\nat all", true],
    ["(a+)[b]*", "(a+)[b]!", true],
  ])("%s against %s is %s", (pattern, topic, expected) => {
    expect(parsePattern(pattern).matches(topic)).toBe(expected);
  });

  it("counts literal characters only", () => {
    expect(parsePattern("a*bc*").literals).toBe(3);
  });

  it.each([
    ["a.*", "b.*", false],
    ["a*", "*a", true],
    ["a*c", "ab*", true],
    ["*x", "*y", false],
    ["*", "", true],
    ["ab", "ab", true],
  ])("%s and %s overlap: %s", (left, right, expected) => {
    expect(overlap(left, right)).toBe(expected);
    expect(overlap(right, left)).toBe(expected);
  });

  it("patterns that match a common topic overlap", () => {
    const letter = fc.constantFrom("a", "b", "*");
    const pattern = fc.array(letter, { maxLength: 5 }).map((letters) => letters.join(""));
    const topic = fc.array(fc.constantFrom("a", "b"), { maxLength: 6 }).map((all) => all.join(""));
    fc.assert(
      fc.property(pattern, pattern, topic, (left, right, name) => {
        if (parsePattern(left).matches(name) && parsePattern(right).matches(name)) {
          expect(overlap(left, right)).toBe(true);
        }
      }),
    );
  });

  it("patterns over two letters that overlap have a short common topic", () => {
    const topics = [""];
    for (let index = 0; topics.length < 1_000; index += 1)
      topics.push(`${topics[index]}a`, `${topics[index]}b`);
    const letter = fc.constantFrom("a", "b", "*");
    const pattern = fc.array(letter, { maxLength: 4 }).map((letters) => letters.join(""));
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        const both = [parsePattern(left), parsePattern(right)];
        const common = topics.some((topic) => both.every((each) => each.matches(topic)));
        expect(overlap(left, right)).toBe(common);
      }),
      { numRuns: 300 },
    );
  });
});
