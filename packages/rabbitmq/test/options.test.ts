import { describe, expect, it } from "vitest";
import { resolveDrainMs, resolveOptions } from "../src/options.js";

const MAX_ATTEMPTS = 10;
const resolve = (options: object) => resolveOptions("payments", options, () => MAX_ATTEMPTS);

describe("defaults", () => {
  it("are 32 messages at once, RabbitMQ's delivery limit of 20, and 30 s to drain", () => {
    expect(resolve({})).toEqual({
      topic: "payments",
      prefetch: 32,
      deadLetter: undefined,
      deadLetterExchange: false,
      retriesByReject: false,
      retryDelayMs: undefined,
      deliveryLimit: 20,
      onCancel: undefined,
      consume: {},
    });
    expect(resolveDrainMs({})).toBe(30_000);
  });

  it("stand in for options that are present but undefined", () => {
    expect(resolve({ prefetch: undefined, consume: undefined, deadLetter: undefined })).toEqual(
      resolve({}),
    );
  });

  it("give way to what is chosen", () => {
    const deadLetter = async () => undefined;
    const consume = { priority: 5, arguments: { "x-stream-offset": "first" } };
    expect(resolve({ prefetch: 65_535, deadLetter, consume })).toMatchObject({
      prefetch: 65_535,
      deadLetter,
      consume,
    });
    expect(resolve({ deadLetterExchange: true }).deadLetterExchange).toBe(true);
    expect(resolve({ guardAs: "orders" }).topic).toBe("orders");
    expect(resolveDrainMs({ drainMs: 0 })).toBe(0);
  });
});

describe("wrong options throw, naming the option and quoting the value", () => {
  it.each([
    [{ prefetch: 0 }, RangeError, "options.prefetch", "0"],
    [{ prefetch: -1 }, RangeError, "options.prefetch", "-1"],
    [{ prefetch: Number.NaN }, RangeError, "options.prefetch", "NaN"],
    [{ prefetch: 1.5 }, RangeError, "options.prefetch", "1.5"],
    [{ prefetch: 65_536 }, RangeError, "options.prefetch", "65536"],
    [{ prefetch: "32" }, TypeError, "options.prefetch", '"32"'],
    [{ deliveryLimit: 0 }, RangeError, "options.deliveryLimit", "0"],
    [{ deliveryLimit: Number.POSITIVE_INFINITY }, RangeError, "options.deliveryLimit", "Infinity"],
    [{ deliveryLimit: 10 }, RangeError, "options.deliveryLimit", "maxAttempts (10), got 10"],
    [{ deadLetter: "dlq" }, TypeError, "options.deadLetter", '"dlq"'],
    [{ deadLetterExchange: false }, TypeError, "options.deadLetterExchange", "false"],
    [{ deadLetterExchange: "dlx" }, TypeError, "options.deadLetterExchange", '"dlx"'],
    [
      { deadLetter: async () => undefined, deadLetterExchange: true },
      TypeError,
      "options.deadLetter",
      "options.deadLetterExchange (true)",
    ],
    [
      { retry: { deadLetterExchange: true }, deadLetterExchange: true },
      TypeError,
      "options.retry.deadLetterExchange",
      "poison would come back",
    ],
    [
      { retry: { deadLetterExchange: "dlx" } },
      TypeError,
      "options.retry.deadLetterExchange",
      '"dlx"',
    ],
    [{ retry: { deadLetterExchange: true, delaysMs: [1] } }, TypeError, "delaysMs", "an array"],
    [{ retry: true }, TypeError, "options.retry", "true"],
    [{ retryDelayMs: 500 }, TypeError, "options.retryDelayMs", "500"],
    [{ onCancel: true }, TypeError, "options.onCancel", "true"],
    [{ consume: "all" }, TypeError, "options.consume", '"all"'],
    [{ consume: { tag: "a" } }, TypeError, "tag", '"a"'],
    [{ prefetchCount: 5 }, TypeError, "prefetchCount", "5"],
  ])("%o", (options, kind, name, value) => {
    const attempt = () => resolve(options);
    expect(attempt).toThrow(kind);
    expect(attempt).toThrow(name);
    expect(attempt).toThrow(value);
  });

  it.each([
    [{ noAck: true }, "options.noAck"],
    [{ noAck: false }, "options.noAck"],
    [{ consume: { noAck: true } }, "options.consume.noAck"],
  ])("behaviour 73: %o is refused, because nothing would be left to ack", (options, name) => {
    expect(() => resolve(options)).toThrow(TypeError);
    expect(() => resolve(options)).toThrow(`${name} is refused`);
  });

  it.each([null, [], "options"])("options %o", (options) => {
    expect(() => resolve(options as unknown as object)).toThrow(TypeError);
  });

  it.each([
    [{ drainMs: -1 }, RangeError],
    [{ drainMs: Number.NaN }, RangeError],
    [{ drainMs: 2_147_483_648 }, RangeError],
    [{ drainMs: "1s" }, TypeError],
    [{ drain: 5 }, TypeError],
  ])("close(%o)", (options, kind) => {
    expect(() => resolveDrainMs(options as { drainMs?: number })).toThrow(kind);
  });
});
