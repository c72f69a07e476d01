import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, isWellFormed, utf8Text } from "../src/canonical-json.js";
import { anyKey, sameKey, shuffled } from "./key-arbitraries.js";

function double(hex: string): number {
  return Buffer.from(hex, "hex").readDoubleBE();
}

describe("numbers of RFC 8785, appendix B", () => {
  it.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("%s is written as %s", (hex, text) => {
    expect(canonicalJson(double(hex))).toBe(text);
  });

  it.each([["7fffffffffffffff"], ["7ff0000000000000"], ["fff0000000000000"]])(
    "%s is refused",
    (hex) => {
      expect(() => canonicalJson(double(hex))).toThrow(TypeError);
    },
  );
});

describe("canonical text", () => {
  it("matches the example of RFC 8785, section 3.2.2", () => {
    const parsed: unknown = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        String.raw`"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
    );
    expect(canonicalJson(parsed)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it("orders properties by UTF-16 code units, as the example of RFC 8785, section 3.2.3", () => {
    const text = canonicalJson({
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    });
    expect([...text.matchAll(/:"([^"]*)"/g)].map(([, name]) => name)).toEqual([
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  it("behaviour 12: reordered properties at any depth give one text, reordered items another", () => {
    expect(canonicalJson({ a: { x: 1, y: [1, 2] }, b: 2 })).toBe(
      canonicalJson({ b: 2, a: { y: [1, 2], x: 1 } }),
    );
    expect(canonicalJson({ a: [1, 2] })).not.toBe(canonicalJson({ a: [2, 1] }));
  });

  it("keeps an own property named __proto__", () => {
    expect(canonicalJson(JSON.parse('{"__proto__":{"b":1},"a":2}'))).toBe(
      '{"__proto__":{"b":1},"a":2}',
    );
  });

  it("takes objects without a prototype and objects of another realm", async () => {
    const { runInNewContext } = await import("node:vm");
    expect(canonicalJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
    expect(canonicalJson(runInNewContext("({ a: [1, new Uint8Array([104, 105])] })"))).toBe(
      '{"a":[1,"hi"]}',
    );
  });

  it("escapes lone surrogates, each by itself", () => {
    expect(canonicalJson("\ud800")).toBe(String.raw`"\ud800"`);
    expect(canonicalJson({ "\udfff": "😀\ud800" })).toBe(String.raw`{"\udfff":"😀\ud800"}`);
  });

  it("writes bytes as the string they spell, and bytes that spell none in brackets", () => {
    expect(canonicalJson([Buffer.from("naïve"), new Uint8Array([0x22])])).toBe(
      String.raw`["naïve","\""]`,
    );
    expect(canonicalJson([Buffer.from([0xff, 0xfe])])).toBe("[<//4=>]");
    expect(canonicalJson(Buffer.from("xxabcxx").subarray(2, 5))).toBe('"abc"');
  });

  it.each([
    ["undefined", undefined],
    ["undefined in a list", ["tenant", undefined]],
    ["undefined in an object", { id: undefined }],
    ["NaN", { amount: Number.NaN }],
    ["a bigint", 1n],
    ["a symbol", Symbol("id")],
    ["a function", () => 1],
    ["a date", { at: new Date(0) }],
    ["a map", new Map([["id", 1]])],
    ["an instance of a class", new URL("https://example.org/")],
    ["words that are not bytes", new Uint16Array([1, 2])],
  ])("refuses %s", (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  it("refuses what is nested deeper than 500, cycles included", () => {
    const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
    expect(canonicalJson(nested(500))).toHaveLength(1000);
    expect(() => canonicalJson(nested(501))).toThrow("deeper than 500");
    expect(() => canonicalJson(nested(200_000))).toThrow("deeper than 500");
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => canonicalJson(cycle)).toThrow("deeper than 500");
  });

  it("is JSON of the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("does not depend on the order of properties", () => {
    fc.assert(
      fc.property(anyKey, fc.nat(), (value, seed) => {
        expect(canonicalJson(shuffled(value, seed))).toBe(canonicalJson(value));
      }),
    );
  });

  it("is equal for equal values only", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (left, right) => {
        expect(canonicalJson(left) === canonicalJson(right)).toBe(sameKey(left, right));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("text", () => {
  it("is well formed without lone surrogates", () => {
    expect(isWellFormed("pay 😀")).toBe(true);
    expect(isWellFormed("pay 😀".slice(0, -1))).toBe(false);
  });

  it("is what bytes spell in UTF-8, if they do", () => {
    expect(utf8Text(Buffer.from("😀"))).toBe("😀");
    expect(utf8Text(Buffer.from("😀").subarray(0, 3))).toBeUndefined();
    expect(utf8Text(Buffer.from([0xed, 0xa0, 0x80]))).toBeUndefined();
  });
});
