import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adler32 } from "../src/adler32.js";

/** The definition of RFC 1950, without its short cuts. */
function definition(bytes: Uint8Array): number {
  let a = 1n;
  let b = 0n;
  for (const byte of bytes) {
    a = (a + BigInt(byte)) % 65_521n;
    b = (b + a) % 65_521n;
  }
  return Number(b * 65_536n + a);
}

describe("adler32", () => {
  it.each([
    ["", 0x00000001],
    ["a", 0x00620062],
    ["abc", 0x024d0127],
    ["Wikipedia", 0x11e60398],
    ["123456789", 0x091e01de],
  ])("of %j is the published value", (text, expected) => {
    expect(adler32(Buffer.from(text))).toBe(expected);
  });

  it("follows the definition around the length of a block, with the largest bytes", () => {
    for (const length of [5551, 5552, 5553, 11_104, 1_048_576]) {
      const bytes = new Uint8Array(length).fill(0xff);
      expect(adler32(bytes)).toBe(definition(bytes));
    }
  });

  it("follows the definition for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12_000 }), (bytes) => {
        expect(adler32(bytes)).toBe(definition(bytes));
      }),
    );
  });
});
