import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packTraceparent, unpackTraceparent } from "../src/packed-traceparent.js";

const hex = (digits: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: digits, maxLength: digits });
const flags = fc.nat({ max: 63 }).map((value) => value.toString(16).padStart(2, "0"));

describe("a packed traceparent", () => {
  test("has 31 printable characters without spaces, and unpacks to what it was", () => {
    fc.assert(
      fc.property(hex(32), hex(16), flags, (traceId, spanId, flagsHex) => {
        const traceparent = `00-${traceId}-${spanId}-${flagsHex}`;
        const packed = packTraceparent(traceparent);
        expect(packed).toMatch(/^[!-}]{31}$/);
        expect(unpackTraceparent(packed ?? "")).toBe(traceparent);
      }),
    );
  });

  test.each([
    `00-${"f".repeat(32)}-${"f".repeat(16)}-00`,
    `00-${"0".repeat(32)}-${"0".repeat(16)}-3f`,
  ])("keeps the extremes: %s", (traceparent) => {
    expect(unpackTraceparent(packTraceparent(traceparent) ?? "")).toBe(traceparent);
  });

  test.each([
    `00-${"f".repeat(32)}-${"f".repeat(16)}-40`,
    `01-${"f".repeat(32)}-${"f".repeat(16)}-01`,
    `00-${"F".repeat(32)}-${"f".repeat(16)}-01`,
    `00-${"f".repeat(32)}-${"f".repeat(16)}-01-more`,
    "",
  ])("is not made of %s", (text) => {
    expect(packTraceparent(text)).toBeUndefined();
  });
});
