import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MessageKey } from "../src/index.js";
import { createFingerprintDigest, createKeyDigest, isKey } from "../src/message-key.js";
import { anyKey, anyText, sameKey } from "./key-arbitraries.js";

const digest = createKeyDigest("billing", "payments");

describe("the digest of a message key", () => {
  it("never changes between releases", () => {
    expect(digest("order-1")).toBe("hn0eGXhjDWXCV0bCCrEVMR");
    expect(digest(["acme", 1])).toBe("Qfa0xDVw2MUsEAhkb_Kpg_");
    const secret = Buffer.from("pepper");
    expect(createKeyDigest("billing", "payments", secret)("order-1")).toBe(
      "sdB4bNo7amm6SxY_ttaBir",
    );
    expect(createFingerprintDigest()({ b: 2, a: 1 })).toBe("MmG9IT_FfhMMmg9s");
  });

  it.each<[string, MessageKey]>([
    ["braces", "{}"],
    ["a hash tag of Redis Cluster", "{user1}.following"],
    ["a newline", "line 1\r\nline 2"],
    ["an emoji", "😀"],
    ["a zero byte", "\0"],
    ["a truncated emoji", "😀".slice(0, 1)],
    ["a megabyte of text", "x".repeat(1_048_576)],
    ["a megabyte of bytes", Buffer.alloc(1_048_576, 0xff)],
    ["bytes that are no text", Buffer.from([0xff, 0x00, 0xfe])],
    ["a number", 0],
    ["false", false],
    ["a list", ["a", ["b", 1]]],
    ["an object", { id: 1 }],
  ])("behaviour 17: %s becomes 22 characters of base64url", (_, key) => {
    expect(digest(key)).toMatch(/^[\w-]{22}$/);
    expect(digest(key)).toBe(createKeyDigest("billing", "payments")(key));
  });

  it("behaviour 8: keys that are identical in the first 64 bytes, or in the first megabyte, differ", () => {
    for (const length of [64, 1_048_576]) {
      const start = "x".repeat(length);
      expect(digest(`${start}1`)).not.toBe(digest(`${start}2`));
      expect(digest(Buffer.from(`${start}1`))).not.toBe(digest(Buffer.from(`${start}2`)));
    }
  });

  it("behaviour 9: one id on two topics or in two scopes has two digests", () => {
    const others = [
      createKeyDigest("billing", "orders"),
      createKeyDigest("mail", "payments"),
      createKeyDigest("payments", "billing"),
      createKeyDigest("billingpayments", ""),
      createKeyDigest("billing", "paymentss"),
    ];
    expect(new Set([digest, ...others].map((each) => each("order-1"))).size).toBe(6);
  });

  it('behaviour 13: "1" and 1 differ, and so do keys that hold each other\'s delimiters', () => {
    const keys: MessageKey[] = [
      "1",
      1,
      ["1"],
      [1],
      '["1"]',
      "[1]",
      ["a", "b"],
      ["a,b"],
      ['a","b'],
      [["a"], "b"],
      [["a", "b"]],
      ["a", ["b"]],
      "a,b",
      { a: "b" },
      '{"a":"b"}',
      true,
      "true",
      [null],
      ["null"],
      [""],
    ];
    expect(new Set(keys.map((key) => digest(key))).size).toBe(keys.length);
  });

  it.each(["order-1", "{}", "😀\n", "é".repeat(5000)])(
    "behaviour 18: the bytes and the string %j are the same key, alone and inside a list",
    (text) => {
      const bytes = Buffer.from(text);
      const view = Buffer.from(`<${text}>`).subarray(1, 1 + bytes.length);
      for (const key of [bytes, new Uint8Array(bytes), view]) {
        expect(digest(key)).toBe(digest(text));
        expect(digest(["a", key])).toBe(digest(["a", text]));
      }
    },
  );

  it("tells texts and bytes apart that UTF-8 replaces by the same character", () => {
    const keys = ["\ud800", "\ud801", "\ufffd", Buffer.from([0xff]), Buffer.from([0xfe])];
    expect(new Set(keys.map((key) => digest(key))).size).toBe(5);
    expect(new Set(keys.map((key) => digest([key]))).size).toBe(5);
  });

  it("does not depend on the order of properties", () => {
    expect(digest({ a: 1, b: [{ c: 1, d: 2 }] })).toBe(digest({ b: [{ d: 2, c: 1 }], a: 1 }));
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["text", ""],
    ["bytes", Buffer.alloc(0)],
    ["list", []],
    ["object", {}],
  ])("is missing for what is missing or empty: %s", (_, key) => {
    expect(isKey<MessageKey>(key)).toBe(false);
    expect(digest(key)).toBeUndefined();
    expect(createFingerprintDigest()(key)).toBeUndefined();
  });

  it("throws for a value that no key can express, rather than guess", () => {
    const broken = [
      () => digest([undefined as never]),
      () => digest(Number.NaN),
      () => digest({ at: new Date() as never }),
    ];
    for (const attempt of broken) expect(attempt).toThrow(TypeError);
  });

  it("is equal for equal scope, topic and key only", () => {
    const parts = fc.tuple(anyText, anyText, anyKey.filter(isKey));
    fc.assert(
      fc.property(parts, parts, ([scope, topic, key], [otherScope, otherTopic, otherKey]) => {
        const same = scope === otherScope && topic === otherTopic && sameKey(key, otherKey);
        const left = createKeyDigest(scope, topic)(key);
        const right = createKeyDigest(otherScope, otherTopic)(otherKey);
        expect(left === right).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  it("is equal for equal keys only, under one scope and topic", () => {
    const key = anyKey.filter(isKey);
    fc.assert(
      fc.property(key, key, (left, right) => {
        expect(digest(left) === digest(right)).toBe(sameKey(left, right));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a secret", () => {
  const secret = Buffer.from("a secret of 24 bytes....");

  it("changes every digest, fingerprints included", () => {
    const keyed = createKeyDigest("billing", "payments", secret);
    const other = createKeyDigest("billing", "payments", Buffer.from("another"));
    for (const key of ["order-1", Buffer.from([0xff]), { id: 1 }]) {
      expect(new Set([digest(key), keyed(key), other(key)]).size).toBe(3);
      expect(keyed(key)).toMatch(/^[\w-]{22}$/);
      expect(createFingerprintDigest(secret)(key)).not.toBe(createFingerprintDigest()(key));
    }
  });

  it("gives bytes and text the same digest, too", () => {
    const keyed = createKeyDigest("billing", "payments", secret);
    expect(keyed(Buffer.from("order-1"))).toBe(keyed("order-1"));
  });

  it("is copied: changing the array later changes nothing", () => {
    const given = Uint8Array.from(secret);
    const keyed = createKeyDigest("billing", "payments", given);
    const before = keyed("order-1");
    given.fill(0);
    expect(keyed("order-1")).toBe(before);
  });

  it.each([[new Uint8Array(0)], ["secret"], [null]])("must be bytes, at least one: %j", (given) => {
    expect(() => createKeyDigest("billing", "payments", given as never)).toThrow("keySecret");
    expect(() => createFingerprintDigest(given as never)).toThrow("keySecret");
  });
});

describe("the digest of a fingerprint", () => {
  it("has 16 characters and follows the value, not the order of its properties", () => {
    const fingerprint = createFingerprintDigest();
    expect(fingerprint({ a: 1, b: 2 })).toMatch(/^[\w-]{16}$/);
    expect(fingerprint({ a: 1, b: 2 })).toBe(fingerprint({ b: 2, a: 1 }));
    expect(fingerprint({ a: 1, b: 2 })).not.toBe(fingerprint({ a: 1, b: 3 }));
    expect(fingerprint(Buffer.from("x"))).toBe(fingerprint("x"));
  });
});
