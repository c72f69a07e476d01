import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { otelObserver, redactScriptArguments } from "../src/index.js";
import { VERSION } from "../src/version.js";

describe("otelObserver", () => {
  it.each([
    [{ spans: "all" }, TypeError, /spans .*"all"/],
    [{ metrics: 1 }, TypeError, /metrics must be true or false, got 1/],
    [{ storeTraceContext: "no" }, TypeError, /storeTraceContext must be true or false, got "no"/],
    [{ links: null }, TypeError, /links must be true or false, got null/],
    [{ recordKey: "full" }, TypeError, /recordKey .*"full"/],
    [{ recordKey: true }, TypeError, /recordKey .*true/],
    [{ destination: "payments" }, TypeError, /destination must be a function/],
    [{ metricAttributes: {} }, TypeError, /metricAttributes must be a function/],
    [{ tracerProvider: {} }, TypeError, /tracerProvider must have a method getTracer/],
    [{ meterProvider: 7 }, TypeError, /meterProvider must be an object/],
    [{ span: "off" }, TypeError, /"span"/],
    [null, TypeError, /options/],
  ])("refuses %j", (options, type, text) => {
    const call = () => otelObserver(options as object);
    expect(call).toThrow(type);
    expect(call).toThrow(text);
  });

  it("takes its options", () => {
    const given = {
      spans: "annotate",
      metrics: false,
      storeTraceContext: false,
      links: false,
      recordKey: false,
    } as const;
    expect(otelObserver(given)).toBeDefined();
    expect(otelObserver()).toBeDefined();
  });
});

it("the version that spans and metrics carry is the package's", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(VERSION).toBe(manifest.version);
});

describe("redactScriptArguments", () => {
  it.each([
    [
      "evalsha",
      ["0f3a", 2, "k1", "k2", "00-trace", Buffer.from("result")],
      "evalsha 0f3a 2 k1 k2 [2 other arguments]",
    ],
    [
      "EVAL",
      ["x".repeat(500), "1", "k1", "secret"],
      "EVAL [script of 500 characters] 1 k1 [1 other arguments]",
    ],
    ["fcall", ["name", 0, "secret"], "fcall name 0 [1 other arguments]"],
    ["evalsha", ["0f3a", "nonsense", "secret"], "evalsha 0f3a nonsense [1 other arguments]"],
    ["set", ["key", "secret"], "set key [1 other arguments]"],
    ["ping", [], "ping"],
  ])("%s %j", (command, args, shown) => {
    expect(redactScriptArguments(command, args)).toBe(shown);
  });
});
