import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { Json, MessageKey } from "../src/index.js";

/** Few values, and those that delimiters are made of: near misses come up often. */
export const anyText: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(
    "1",
    '"',
    ",",
    ":",
    "[",
    "]",
    "{",
    "}",
    "\\",
    "\n",
    "é",
    "😀",
    "\ud800",
    "\udc00",
  ),
  maxLength: 3,
});

const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  anyText.map((text) => Buffer.from(text)),
  fc
    .array(fc.constantFrom(0x31, 0x22, 0xff, 0xc3, 0xa9), { maxLength: 3 })
    .map((bytes) => Uint8Array.from(bytes)),
);

export const anyKey: fc.Arbitrary<MessageKey> = fc.letrec<{ key: MessageKey }>((tie) => ({
  key: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    anyText,
    anyBytes,
    fc.constantFrom(0, -0, 1, -1, 11, 0.5, 1e21, true, false, null),
    fc.array(tie("key"), { maxLength: 3 }),
    fc.dictionary(fc.oneof(anyText, fc.constant("__proto__")), fc.constantFrom(1, "1", null, [1]), {
      maxKeys: 3,
    }),
  ),
})).key;

/** Whether two values are the same key, by another road than that of the implementation. */
export function sameKey(left: MessageKey, right: MessageKey): boolean {
  return isDeepStrictEqual(plain(left), plain(right));
}

function plain(key: MessageKey): unknown {
  if (key instanceof Uint8Array) {
    const text = Buffer.from(key).toString("utf8");
    return Buffer.from(text, "utf8").equals(key)
      ? text
      : { bytes: [...key], kind: Symbol.for("bytes") };
  }
  if (key === 0) return 0;
  if (typeof key !== "object" || key === null) return key;
  if (Array.isArray(key)) return key.map((item: MessageKey) => plain(item));
  return new Map(Object.entries(key));
}

/** The same key with the properties of its objects in another order. */
export function shuffled(key: MessageKey, seed: number): MessageKey {
  if (typeof key !== "object" || key === null || key instanceof Uint8Array) return key;
  if (Array.isArray(key)) return key.map((item: MessageKey) => shuffled(item, seed));
  const entries = Object.entries(key);
  const from = entries.length === 0 ? 0 : seed % entries.length;
  const turned = [...entries.slice(from), ...entries.slice(0, from)].reverse();
  return Object.fromEntries(turned) as { [name: string]: Json };
}
