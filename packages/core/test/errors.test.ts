import { describe, expect, it, vi } from "vitest";
import type { OnlyOnceErrorCode } from "../src/index.js";
import { OnlyOnceError, PermanentError } from "../src/index.js";

/** A record, so that a new code does not compile until it stands here. */
const CODES = Object.keys({
  ERR_ONLYONCE_BUSY: true,
  ERR_ONLYONCE_CONFLICT: true,
  ERR_ONLYONCE_POISON: true,
  ERR_ONLYONCE_KEY_MISSING: true,
  ERR_ONLYONCE_STORE: true,
  ERR_ONLYONCE_ABORTED: true,
  ERR_ONLYONCE_CLOSED: true,
} satisfies Record<OnlyOnceErrorCode, true>) as OnlyOnceErrorCode[];

/** The classes as a second installed copy of the library has them. */
async function secondCopy(): Promise<typeof import("../src/errors.js")> {
  vi.resetModules();
  return import("../src/errors.js");
}

describe("OnlyOnceError", () => {
  it.each(CODES)("%s carries code, name, message and a stack", (code) => {
    const error = new OnlyOnceError(code, "what happened");
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code, name: "OnlyOnceError", message: "what happened" });
    expect(String(error)).toBe("OnlyOnceError: what happened");
    expect(error.stack).toContain("errors.test.ts");
  });

  it("can be retried unless it says otherwise", () => {
    expect(new OnlyOnceError("ERR_ONLYONCE_BUSY", "busy").retriable).toBe(true);
    expect(new OnlyOnceError("ERR_ONLYONCE_BUSY", "busy", { retriable: true }).retriable).toBe(
      true,
    );
    expect(new OnlyOnceError("ERR_ONLYONCE_POISON", "poison", { retriable: false }).retriable).toBe(
      false,
    );
  });

  it("says when to try again only where that is known", () => {
    expect(new OnlyOnceError("ERR_ONLYONCE_BUSY", "busy", { retryAfterMs: 0 }).retryAfterMs).toBe(
      0,
    );
    expect(new OnlyOnceError("ERR_ONLYONCE_BUSY", "busy").retryAfterMs).toBeUndefined();
  });

  it.each([[new Error("connection lost")], ["text"], [null], [undefined]])(
    "keeps the cause %s",
    (cause) => {
      expect(new OnlyOnceError("ERR_ONLYONCE_STORE", "store", { cause }).cause).toBe(cause);
    },
  );

  it("has no cause where none was given", () => {
    expect(Object.hasOwn(new OnlyOnceError("ERR_ONLYONCE_STORE", "store"), "cause")).toBe(false);
    expect(
      Object.hasOwn(
        new OnlyOnceError("ERR_ONLYONCE_STORE", "store", { cause: undefined }),
        "cause",
      ),
    ).toBe(true);
  });
});

describe("PermanentError", () => {
  it("carries name, message and cause", () => {
    const cause = new Error("card expired");
    const error = new PermanentError("cannot be charged", { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "PermanentError", message: "cannot be charged", cause });
    expect(Object.hasOwn(new PermanentError("no cause"), "cause")).toBe(false);
  });

  it("is recognised in a class of the user's own that extends it", () => {
    class CardExpired extends PermanentError {}
    expect(PermanentError.is(new CardExpired("expired"))).toBe(true);
  });
});

describe("is", () => {
  const busy = new OnlyOnceError("ERR_ONLYONCE_BUSY", "busy");
  const permanent = new PermanentError("permanent");

  it("behaviour 92: recognises the errors of another copy of the library", async () => {
    const copy = await secondCopy();
    expect(copy.OnlyOnceError).not.toBe(OnlyOnceError);
    expect(busy).not.toBeInstanceOf(copy.OnlyOnceError);
    expect(copy.OnlyOnceError.is(busy)).toBe(true);
    expect(OnlyOnceError.is(new copy.OnlyOnceError("ERR_ONLYONCE_STORE", "store"))).toBe(true);
    expect(permanent).not.toBeInstanceOf(copy.PermanentError);
    expect(copy.PermanentError.is(permanent)).toBe(true);
    expect(PermanentError.is(new copy.PermanentError("permanent"))).toBe(true);
  });

  it("tells the two kinds apart", () => {
    expect(OnlyOnceError.is(busy)).toBe(true);
    expect(OnlyOnceError.is(permanent)).toBe(false);
    expect(PermanentError.is(permanent)).toBe(true);
    expect(PermanentError.is(busy)).toBe(false);
  });

  it.each<[string, unknown]>([
    ["an error of somebody else", new Error("busy")],
    [
      "an error with the same name and code",
      Object.assign(new Error("busy"), { name: "OnlyOnceError", code: "ERR_ONLYONCE_BUSY" }),
    ],
    ["undefined", undefined],
    ["null", null],
    ["text", "ERR_ONLYONCE_BUSY"],
    [
      "an error whose brand is not true",
      Object.assign(new Error("busy"), { [Symbol.for("@onlyonce/error")]: 1 }),
    ],
  ])("refuses %s", (_, value) => {
    expect(OnlyOnceError.is(value)).toBe(false);
    expect(PermanentError.is(value)).toBe(false);
  });

  it("uses a brand that does not show when an error is printed or copied, and cannot be taken off", () => {
    for (const error of [busy, permanent]) {
      const brands = Object.getOwnPropertySymbols(error);
      expect(brands).toHaveLength(1);
      for (const brand of brands) {
        expect(Object.getOwnPropertyDescriptor(error, brand)).toEqual({
          value: true,
          enumerable: false,
          writable: false,
          configurable: false,
        });
      }
    }
  });
});

it("no error has a name that makes kafkajs stop for good or treat it as its own", () => {
  const errors: readonly Error[] = [
    ...CODES.map((code) => new OnlyOnceError(code, "text")),
    new PermanentError("text"),
  ];
  for (const { name } of errors) expect(name).not.toMatch(/^KafkaJS/);
  expect("retriable" in new PermanentError("text")).toBe(false);
});
