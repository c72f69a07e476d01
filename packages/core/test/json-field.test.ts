import { describe, expect, it } from "vitest";
import type { Json } from "../src/index.js";
import { jsonField } from "../src/index.js";
import { createKeyDigest } from "../src/message-key.js";

const digest = createKeyDigest("billing", "payments");

/** The same payload as bytes, as text and parsed. */
function forms(text: string): readonly (Uint8Array | Json)[] {
  const parsed: Json = JSON.parse(text);
  return [Buffer.from(text), new Uint8Array(Buffer.from(text)), text, parsed];
}

describe("jsonField", () => {
  it.each<[string, string, Json | undefined]>([
    ["/payment/id", '{"payment":{"id":"p-1"}}', "p-1"],
    ["/id", '{"id":7}', 7],
    ["/id", '{"id":0}', 0],
    ["/id", '{"id":false}', false],
    ["/id", '{"id":"{}\\n😀"}', "{}\n😀"],
    ["/items/1/id", '{"items":[{"id":1},{"id":2}]}', 2],
    ["/1", '["a","b"]', "b"],
    ["/id", ' \r\n\t{"id":"p-1"}', "p-1"],
    ["/a~1b/c~0d", '{"a/b":{"c~d":"x"}}', "x"],
    ["/~01", '{"~1":"x","/":"y"}', "x"],
    ["/", '{"":"x"}', "x"],
    ["/a//b", '{"a":{"":{"b":"x"}}}', "x"],
    ["/-", '{"-":"x"}', "x"],
    ["/01", '{"01":"x"}', "x"],
    ["/__proto__/id", '{"__proto__":{"id":"x"}}', "x"],
    ["/id", '{"id":{"b":1,"a":[2]}}', { a: [2], b: 1 }],
    ["/id", '{"id":null}', undefined],
    ["/id", '{"id":""}', undefined],
    ["/id", '{"id":[]}', undefined],
    ["/id", '{"id":{}}', undefined],
    ["/id", "{}", undefined],
    ["/ID", '{"id":1}', undefined],
    ["/id/x", '{"id":"p-1"}', undefined],
    ["/id/length", '{"id":["a"]}', undefined],
    ["/id/0", '{"id":"abc"}', undefined],
    ["/01", '["a","b"]', undefined],
    ["/-", '["a","b"]', undefined],
    ["/2", '["a","b"]', undefined],
    ["/1e0", '["a","b"]', undefined],
    ["/constructor/name", "{}", undefined],
    ["/__proto__", "{}", undefined],
    ["/toString", "{}", undefined],
  ])("%s of %s", (pointer, text, expected) => {
    for (const payload of forms(text)) {
      expect(jsonField(pointer)({ topic: "payments", payload })).toEqual(expected);
    }
  });

  it.each<[string, Uint8Array | Json | undefined]>([
    ["a missing payload", undefined],
    ["a tombstone", null],
    ["no bytes", Buffer.alloc(0)],
    ["empty text", ""],
    ["broken JSON", Buffer.from('{"id":"p-1"')],
    ["text after JSON", '{"id":"p-1"}}'],
    ["bytes that are no UTF-8", Buffer.from('{"id":"\xff"}', "latin1")],
    ["a byte order mark", '\ufeff{"id":"p-1"}'],
    ["a string in JSON", '"id"'],
    ["a number", 5],
    ["a boolean", true],
    ["bytes that are not JSON", Buffer.from([0x7b, 0x00, 0xff])],
  ])("behaviour 82: finds no key in %s", (_, payload) => {
    const delivery = payload === undefined ? { topic: "payments" } : { topic: "payments", payload };
    expect(jsonField("/id")(delivery)).toBeUndefined();
  });

  it("lists the values of several pointers in their order, and needs them all", () => {
    const key = jsonField("/tenant", "/id");
    for (const payload of forms('{"id":1,"tenant":"acme"}')) {
      expect(key({ topic: "payments", payload })).toEqual(["acme", 1]);
    }
    for (const text of ['{"id":1}', '{"tenant":"acme"}', '{"id":null,"tenant":"acme"}']) {
      expect(key({ topic: "payments", payload: text })).toBeUndefined();
    }
  });

  it("behaviour 12: an object as the key does not depend on the order of its properties", () => {
    const keyOf = (payload: string): string | undefined =>
      digest(jsonField("/ref")({ topic: "payments", payload }));
    expect(keyOf('{"ref":{"a":1,"b":2}}')).toBe(keyOf('{ "ref": { "b": 2, "a": 1.0 } }'));
    expect(keyOf('{"ref":["a","b"]}')).not.toBe(keyOf('{"ref":["b","a"]}'));
  });

  it.each([
    ["9007199254740992", "9007199254740993"],
    ["-9007199254740992", "-9007199254740993"],
    ["1234567890123456788", "1234567890123456789"],
    ["0.12345678901234567", "0.12345678901234568"],
    ["1e400", "1e401"],
    ["1e-400", "1e-401"],
    ["123456789012345678e3", "123456789012345679e3"],
  ])("never takes the ids %s and %s for the same, though JavaScript rounds them", (left, right) => {
    for (const note of ["", String.raw`"note":"a \"1234567890123456789\" b",`]) {
      const keyOf = (id: string): unknown => {
        const payload = Buffer.from(`{${note}"id": ${id}}`);
        return jsonField("/id")({ topic: "payments", payload });
      };
      expect(String(keyOf(left))).toBe(left);
      expect(String(keyOf(right))).toBe(right);
    }
  });

  it("leaves other numbers and all strings as they are beside a long number", () => {
    const payload = String.raw`{"big":12345678901234567890,"a":1.50,"b":"12345678901234567890 \\","c":0.30000000000000004,"d":1.0E10}`;
    const key = jsonField("/a", "/b", "/c", "/d", "/big")({ topic: "payments", payload });
    expect(key).toEqual([
      1.5,
      "12345678901234567890 \\",
      0.30000000000000004,
      1e10,
      "12345678901234567890",
    ]);
  });

  it("finds no key in a number whose digits were lost before it came here", () => {
    const payload: Json = JSON.parse('{"id":9007199254740993}');
    expect(jsonField("/id")({ topic: "payments", payload })).toBeUndefined();
  });

  it("reads a megabyte", () => {
    const payload = Buffer.from(
      `{"pad":"${"x\\n".repeat(350_000)}","n":12345678901234567890,"id":"p-1"}`,
    );
    expect(jsonField("/id", "/n")({ topic: "payments", payload })).toEqual([
      "p-1",
      "12345678901234567890",
    ]);
  });

  it.each([["id"], [""], ["#/id"], ["$.id"], [undefined], [1]])(
    "refuses the pointer %j",
    (pointer) => {
      expect(() => jsonField("/ok", pointer as never)).toThrow(
        'a pointer must be a string that starts with "/", got',
      );
    },
  );

  it.each([["/a~"], ["/a~2"], ["/~~0"]])("refuses the escape in %j", (pointer) => {
    expect(() => jsonField(pointer)).toThrow(
      `"~" must be followed by 0 or 1 in the pointer "${pointer}"`,
    );
  });

  it("needs a pointer", () => {
    expect(() => jsonField(...([] as unknown as [string]))).toThrow(
      "jsonField needs at least one pointer, got none",
    );
  });
});
