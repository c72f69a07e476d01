import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Delivery, MessageKey, PayloadHashOptions } from "../src/index.js";
import { createDeduplicator, memoryStore, payloadHash } from "../src/index.js";

type Payload = Delivery["payload"];

function hashOf(payload: Payload, options?: PayloadHashOptions): MessageKey | undefined {
  return payloadHash(options)(
    payload === undefined ? { topic: "payments" } : { topic: "payments", payload },
  );
}

describe("payloadHash", () => {
  it("is SHA-256 over all bytes, with the length", () => {
    const bytes = Buffer.alloc(1_048_576, 0xab);
    const digest = createHash("sha256").update(bytes).digest("base64url");
    expect(hashOf(bytes)).toBe(`sha256:1048576:${digest}`);
  });

  it("offers SHA-512 and Adler-32", () => {
    const digest = createHash("sha512").update("Wikipedia").digest("base64url");
    expect(hashOf("Wikipedia", { algorithm: "sha512" })).toBe(`sha512:9:${digest}`);
    expect(hashOf("Wikipedia", { algorithm: "adler32" })).toBe("adler32:9:11e60398");
  });

  it.each(["hello", "{}", "[1,2]", '{"b":1,"a":2}', "naïve 😀\n", "x".repeat(10_000)])(
    "behaviour 18: bytes and text hash alike: %j",
    (text) => {
      const bytes = Buffer.from(text);
      const view = Buffer.from(`<${text}>`).subarray(1, 1 + bytes.length);
      for (const options of [
        {},
        { algorithm: "sha512" },
        { algorithm: "adler32" },
        { maxBytes: 64 },
      ] as const) {
        expect(hashOf(bytes, options)).toBe(hashOf(text, options));
        expect(hashOf(view, options)).toBe(hashOf(text, options));
        expect(hashOf(new Uint8Array(bytes), options)).toBe(hashOf(text, options));
      }
    },
  );

  it("behaviour 12: reordered properties, white space and escapes hash alike, as bytes, text or parsed", () => {
    const texts = [
      '{"a":{"x":1,"y":"é"},"b":[1,2]}',
      ' { "b" : [1.0, 2e0], "a": {"y":"\\u00e9", "x":1} }',
    ];
    const payloads: Payload[] = texts.flatMap((text) => [
      text,
      Buffer.from(text),
      JSON.parse(text) as Payload,
    ]);
    expect(new Set(payloads.map((payload) => hashOf(payload))).size).toBe(1);
    expect(hashOf('{"a":[1,2]}')).not.toBe(hashOf('{"a":[2,1]}'));
    expect(hashOf([{ a: 1 }, { b: 2 }])).toBe(hashOf(Buffer.from('[{"a":1},{"b":2}]')));
  });

  it("behaviour 12: the order of properties never matters, the order of items always does", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.array(fc.nat(), { minLength: 2 }),
        (object, items) => {
          const reversed = Object.fromEntries(Object.entries(object).reverse());
          expect(hashOf(Buffer.from(JSON.stringify(reversed)))).toBe(
            hashOf(Buffer.from(JSON.stringify(object))),
          );
          const isPalindrome = JSON.stringify(items) === JSON.stringify(items.toReversed());
          expect(hashOf(items) === hashOf(items.toReversed())).toBe(isPalindrome);
        },
      ),
    );
  });

  it("behaviour 8: payloads that are identical in the first 64 bytes differ", () => {
    const start = "x".repeat(64);
    expect(hashOf(`${start}1`)).not.toBe(hashOf(`${start}2`));
    expect(hashOf({ pad: start, z: 1 })).not.toBe(hashOf({ pad: start, z: 2 }));
  });

  it.each([
    ["long ids", '{"id":9007199254740992}', '{"id":9007199254740993}'],
    ["strings and numbers", '{"id":"1"}', '{"id":1}'],
    ["lone surrogates", '{"id":"\\ud800"}', '{"id":"\\ud801"}'],
    ["lone surrogates in text", "\ud800", "\ud801"],
    ["broken JSON", '{"a":1', '{"a": 1'],
    ["JSON scalars", "1", "1.0"],
    [
      "depth beyond 500",
      `${"[".repeat(501)}1${"]".repeat(501)}`,
      `${"[".repeat(501)}2${"]".repeat(501)}`,
    ],
  ])("tells %s apart", (_, left, right) => {
    expect(hashOf(left)).not.toBe(hashOf(right));
    expect(hashOf(left)).toBe(hashOf(left));
  });

  it("hashes bytes that are no UTF-8 as they stand, even where they would be JSON", () => {
    const of = (byte: number): MessageKey | undefined =>
      hashOf(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([byte]), Buffer.from('"}')]));
    expect(of(0xff)).not.toBe(of(0xfe));
  });

  it.each<[string, Payload]>([
    ["a missing payload", undefined],
    ["a tombstone", null],
    ["no bytes", Buffer.alloc(0)],
    ["empty text", ""],
  ])("behaviour 82: finds no key for %s", (_, payload) => {
    for (const algorithm of ["sha256", "sha512", "adler32"] as const) {
      expect(hashOf(payload, { algorithm })).toBeUndefined();
    }
  });

  it.each<[Payload]>([[0], [false], [true], [5], [{}], [[]]])(
    "takes the parsed body %j as a body",
    (payload) => {
      expect(hashOf(payload)).toBe(hashOf(JSON.stringify(payload)));
    },
  );

  it("gives each algorithm keys of its own", () => {
    const hashes = (["sha256", "sha512", "adler32"] as const).map((algorithm) =>
      hashOf("x", { algorithm }),
    );
    expect(new Set(hashes).size).toBe(3);
  });
});

describe("maxBytes", () => {
  const start = "x".repeat(64);

  it("reads no further, but mixes in the total length", () => {
    const of = (payload: Payload): MessageKey | undefined => hashOf(payload, { maxBytes: 64 });
    expect(of(`${start}1`)).toBe(of(`${start}2`));
    expect(of(`${start}1`)).not.toBe(of(`${start}12`));
    expect(of(start)).not.toBe(of(`${start}1`));
    expect(of(`${start.slice(1)}y`)).not.toBe(of(start));
    expect(of(Buffer.from(`${start}1`))).toBe(of(`${start}2`));
  });

  it("counts bytes, not characters", () => {
    const emoji = "😀".repeat(16);
    expect(hashOf(`${emoji}a`, { maxBytes: 64 })).toBe(hashOf(`${emoji}b`, { maxBytes: 64 }));
    expect(hashOf(`${emoji}a`, { maxBytes: 65 })).not.toBe(hashOf(`${emoji}b`, { maxBytes: 65 }));
  });

  it("puts JSON up to that length into canonical form, and reads longer JSON as it stands", () => {
    const pair = (pad: string) => [`{"a":1,"b":"${pad}"}`, `{"b":"${pad}","a":1}`] as const;
    const [short, turned] = pair("x".repeat(40));
    const [long, longTurned] = pair("x".repeat(80));
    for (const form of [(text: string) => text, (text: string) => Buffer.from(text)]) {
      expect(hashOf(form(short), { maxBytes: 64 })).toBe(hashOf(form(turned), { maxBytes: 64 }));
      expect(hashOf(form(long), { maxBytes: 64 })).not.toBe(
        hashOf(form(longTurned), { maxBytes: 64 }),
      );
      expect(hashOf(form(long))).toBe(hashOf(form(longTurned)));
    }
  });

  it("limits a parsed body by its canonical form", () => {
    const of = (last: number): MessageKey | undefined =>
      hashOf({ a: start, z: last }, { maxBytes: 64 });
    expect(of(1)).toBe(of(2));
    expect(of(1)).not.toBe(of(10));
  });
});

describe("payloadHash with verify", () => {
  // Adding 1, -2, 1 to three bytes keeps both sums of Adler-32.
  const first = "pay aca";
  const second = "pay bab";

  it("the weak hash alone takes two messages for one, and the second is lost", async () => {
    const weak = payloadHash({ algorithm: "adler32" });
    expect(weak({ topic: "t", payload: first })).toBe(weak({ topic: "t", payload: second }));
  });

  it("a collision of the weak hash is another message: it runs, and each is remembered", async () => {
    const key = payloadHash({ algorithm: "adler32", verify: "sha256" });
    const dedup = createDeduplicator({ store: memoryStore(), scope: "s", defaults: { key } });
    const runs: string[] = [];
    for (const payload of [first, second, first, second]) {
      await dedup.process({ topic: "t", payload }, () => runs.push(payload));
    }
    expect(runs).toEqual([first, second]);
  });

  it("messages that differ only beyond maxBytes are told apart", () => {
    const start = "x".repeat(64);
    const key = payloadHash({ maxBytes: 64, verify: "sha512" });
    const digestOf = (payload: string): unknown => key({ topic: "t", payload });
    expect(digestOf(`${start}1`)).not.toBe(digestOf(`${start}2`));
    expect(digestOf(`${start}1`)).toBe(digestOf(`${start}1`));
  });
});

describe("the options of payloadHash", () => {
  it.each<[unknown, string]>([
    [
      { maxBytes: 63 },
      "payloadHash.maxBytes must be a whole number from 64 to 9007199254740991, got 63",
    ],
    [{ maxBytes: 0 }, "got 0"],
    [{ maxBytes: -1 }, "got -1"],
    [{ maxBytes: 64.5 }, "got 64.5"],
    [{ maxBytes: Number.NaN }, "got NaN"],
    [{ maxBytes: "64" }, 'payloadHash.maxBytes must be a number, got "64"'],
    [{ maxBytes: null }, "got null"],
    [
      { algorithm: "md5" },
      'payloadHash.algorithm must be one of sha256, sha512, adler32, got "md5"',
    ],
    [{ algorithm: null }, "got null"],
    [{ algorithm: "" }, 'got ""'],
    [{ verify: "adler32" }, 'payloadHash.verify must be one of sha256, sha512, got "adler32"'],
    [{ verify: true }, "got true"],
    [{ maxbytes: 64 }, 'unknown option "maxbytes" in payloadHash: 64'],
    [null, "payloadHash must be an object, got null"],
    ["sha256", 'payloadHash must be an object, got "sha256"'],
  ])("refuse %j", (options, message) => {
    expect(() => payloadHash(options as never)).toThrow(message);
  });
});
