import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Delivery, KeyStrategy, MessageKey } from "../src/index.js";
import { compose, coordinates, firstOf, header, messageId } from "../src/index.js";
import { createKeyDigest, isKey } from "../src/message-key.js";
import { anyKey, sameKey } from "./key-arbitraries.js";

const digest = createKeyDigest("billing", "payments");

function withHeaders(headers: unknown): Delivery {
  return { topic: "payments", headers: headers as Record<string, unknown> };
}

const constant =
  (key: MessageKey | undefined): KeyStrategy =>
  () =>
    key;

describe("header", () => {
  it.each<[string, unknown, MessageKey | undefined]>([
    ["a string", "o-1", "o-1"],
    ["bytes", Buffer.from("o-1"), Buffer.from("o-1")],
    ["a number", 42, 42],
    ["zero", 0, 0],
    ["a fraction", 1.5, 1.5],
    ["a small bigint", 42n, 42],
    ["a large bigint", 9_007_199_254_740_993n, "9007199254740993"],
    ["a number beyond the safe integers", 2 ** 53, undefined],
    ["NaN", Number.NaN, undefined],
    ["an empty string", "", undefined],
    ["no bytes", Buffer.alloc(0), undefined],
    ["null", null, undefined],
    ["undefined", undefined, undefined],
    ["a boolean", true, undefined],
    ["a table", { "!": "timestamp", value: 1 }, undefined],
    ["a list of one", [Buffer.from("o-1")], Buffer.from("o-1")],
    ["a list of equals", ["o-1", Buffer.from("o-1"), "o-1"], "o-1"],
    ["a list of one and nothing", [null, "o-1", "", {}], "o-1"],
    ["a list of different values", ["o-1", "o-2", "o-1"], ["o-1", "o-2"]],
    ["a list of a string and a number", ["1", 1], ["1", 1]],
    ["an empty list", [], undefined],
    ["a list of nothing", [null, undefined, ["o-1"]], undefined],
    ["braces and a newline", "{o-1}\n", "{o-1}\n"],
    ["an emoji", Buffer.from("😀"), Buffer.from("😀")],
    ["a megabyte", "x".repeat(1_048_576), "x".repeat(1_048_576)],
  ])("reads %s", (_, value, key) => {
    expect(header("id")(withHeaders({ id: value }))).toEqual(key);
  });

  it.each<[string, unknown]>([
    ["no headers", undefined],
    ["null headers", null],
    ["no header of that name", { other: "o-1", idd: "o-1", i: "o-1" }],
    ["an inherited header", Object.create({ id: "o-1" })],
  ])("finds no key with %s", (_, headers) => {
    expect(header("id")(withHeaders(headers))).toBeUndefined();
  });

  it("prefers the exact name to one that differs in case", () => {
    const headers = { "X-ID": "upper", "x-id": "lower" };
    expect(header("x-id")(withHeaders(headers))).toBe("lower");
    expect(header("X-ID")(withHeaders(headers))).toBe("upper");
    expect(header("X-Id")(withHeaders(headers))).toBe("upper");
    expect(header("X-Id")(withHeaders({ "x-id": "lower" }))).toBe("lower");
  });

  it("reads __proto__ and constructor only where the message has them", () => {
    const parsed: unknown = JSON.parse('{"__proto__":"o-1"}');
    expect(header("__proto__")(withHeaders(parsed))).toBe("o-1");
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(header(name)(withHeaders({}))).toBeUndefined();
    }
  });

  it("behaviour 18: bytes and a string are the same key; behaviour 13: a number is another", () => {
    const key = (value: unknown): string | undefined =>
      digest(header("id")(withHeaders({ id: value })));
    expect(key(Buffer.from("1"))).toBe(key("1"));
    expect(key(1)).not.toBe(key("1"));
  });

  it.each([[""], [undefined], [1], [null]])("needs a name: %j throws", (name) => {
    expect(() => header(name as never)).toThrow(
      `header: name must be a string that is not empty, got`,
    );
  });
});

describe("messageId and coordinates", () => {
  it("read the delivery's own id and place", () => {
    const delivery: Delivery = {
      topic: "payments",
      id: "m-1",
      coordinates: "payments/0@7/1700000000000",
    };
    expect(messageId()(delivery)).toBe("m-1");
    expect(coordinates()(delivery)).toBe("payments/0@7/1700000000000");
  });

  it.each([[""], [undefined], [null], [7], [Buffer.from("m-1")]])("find no key in %j", (value) => {
    const delivery = { topic: "payments", id: value, coordinates: value } as unknown as Delivery;
    expect(messageId()(delivery)).toBeUndefined();
    expect(coordinates()(delivery)).toBeUndefined();
  });

  it("behaviour 82: a tombstone has a key from its header, id or coordinates", () => {
    const tombstone: Delivery = {
      topic: "payments",
      payload: null,
      id: "m-1",
      coordinates: "p/0@1",
      headers: { id: "h-1" },
    };
    expect(
      [header("id"), messageId(), coordinates()].map((strategy) => strategy(tombstone)),
    ).toEqual(["h-1", "m-1", "p/0@1"]);
  });

  it("never use the record key: it names an entity, not a message", () => {
    const delivery: Delivery = { topic: "payments", recordKey: "customer-1" };
    for (const strategy of [header("key"), messageId(), coordinates()]) {
      expect(strategy(delivery)).toBeUndefined();
    }
  });
});

describe("compose", () => {
  it("behaviour 11: keeps one id of two tenants apart", () => {
    const strategy = compose(header("tenant"), messageId());
    const keyOf = (tenant: string): string | undefined =>
      digest(strategy({ topic: "payments", id: "m-1", headers: { tenant: Buffer.from(tenant) } }));
    expect(keyOf("acme")).not.toBe(keyOf("initech"));
    expect(keyOf("acme")).toBe(keyOf("acme"));
  });

  it("lists the keys of all parts in order", () => {
    const strategy = compose(header("tenant"), messageId());
    expect(strategy({ topic: "payments", id: "m-1", headers: { tenant: "acme" } })).toEqual([
      "acme",
      "m-1",
    ]);
  });

  it.each<[string, MessageKey | undefined]>([
    ["undefined", undefined],
    ["null", null],
    ["empty", ""],
    ["no bytes", Buffer.alloc(0)],
  ])("finds no key when a part is %s, wherever it stands", (_, missing) => {
    expect(compose(constant("a"), constant(missing))(withHeaders({}))).toBeUndefined();
    expect(compose(constant(missing), constant("a"))(withHeaders({}))).toBeUndefined();
  });

  it("behaviour 13: keeps the boundaries of its parts, nested ones included", () => {
    const part = anyKey.filter(isKey);
    const parts = fc.array(part, { minLength: 1, maxLength: 3 });
    const keyOf = (keys: readonly MessageKey[]): string | undefined =>
      digest(compose(...keys.map(constant))(withHeaders({})));
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        expect(keyOf(left) === keyOf(right)).toBe(sameKey(left, right));
      }),
      { numRuns: 1000 },
    );
    const nested = compose(compose(constant("a"), constant("b")), constant("c"))(withHeaders({}));
    expect(nested).toEqual([["a", "b"], "c"]);
    expect(keyOf(["ab", "c"])).not.toBe(keyOf(["a", "bc"]));
  });

  it("behaviour 18: takes bytes and strings as parts alike, and keeps binary parts apart", () => {
    const keyOf = (tenant: MessageKey): string | undefined =>
      digest(compose(constant(tenant), constant("m-1"))(withHeaders({})));
    expect(keyOf(Buffer.from("acme"))).toBe(keyOf("acme"));
    expect(keyOf(Buffer.from([0xff]))).not.toBe(keyOf(Buffer.from([0xfe])));
  });
});

describe("firstOf", () => {
  it("takes the first strategy that finds a key, and asks no further", () => {
    const asked: string[] = [];
    const asking =
      (name: string, key: MessageKey | undefined): KeyStrategy =>
      () => {
        asked.push(name);
        return key;
      };
    const strategy = firstOf(
      asking("1", undefined),
      asking("2", ""),
      asking("3", null),
      asking("4", 0),
      asking("5", "x"),
    );
    expect(strategy(withHeaders({}))).toBe(0);
    expect(asked).toEqual(["1", "2", "3", "4"]);
  });

  it("finds no key when no strategy does", () => {
    expect(firstOf(messageId(), header("id"))({ topic: "payments" })).toBeUndefined();
  });

  it("passes on what a strategy throws, rather than try the next", () => {
    const broken: KeyStrategy = () => {
      throw new Error("no id");
    };
    expect(() => firstOf(broken, constant("x"))(withHeaders({}))).toThrow("no id");
  });
});

describe("compose and firstOf", () => {
  it.each([
    ["compose", compose],
    ["firstOf", firstOf],
  ])("%s needs key strategies, at least one", (name, combine) => {
    expect(() => combine()).toThrow(`${name} needs at least one key strategy, got none`);
    expect(() => combine(messageId(), "id" as never)).toThrow(
      `${name}: key strategy 2 must be a function, got "id"`,
    );
  });
});

it("behaviour 16: strategies leave the delivery as it is", () => {
  const delivery: Delivery = Object.freeze({
    topic: "payments",
    id: "m-1",
    headers: Object.freeze({ id: Object.freeze(["b", "a"]) }),
  });
  expect(compose(header("id"), messageId())(delivery)).toEqual([["b", "a"], "m-1"]);
});
