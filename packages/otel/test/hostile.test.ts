import type { Meter, MeterProvider, Span, Tracer, TracerProvider } from "@opentelemetry/api";
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import type { OtelOptions } from "../src/index.js";
import { message, payment, record, rejection, scene } from "./scene.js";
import { startSdk } from "./sdk.js";

function bomb(): never {
  throw new Error("a bridge that fails on what it does not know");
}

/** A real span of which some methods throw, as those of vendors' bridges do. */
function hostileTo(...methods: readonly string[]): TracerProvider {
  const wrapSpan = (span: Span): Span =>
    new Proxy(span, {
      get: (target, name) => {
        if (methods.includes(String(name))) return bomb;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const real = trace.getTracerProvider();
  return {
    getTracer: (...about): Tracer => {
      if (methods.includes("getTracer")) bomb();
      const tracer = real.getTracer(...about);
      return {
        startSpan: (...given) =>
          methods.includes("startSpan") ? bomb() : wrapSpan(tracer.startSpan(...given)),
        startActiveSpan: bomb,
      };
    },
  };
}

function hostileMeters(...methods: readonly string[]): MeterProvider {
  const instrument = (name: string) => () => {
    if (methods.includes(name)) bomb();
    return { add: bomb, record: bomb };
  };
  const meter = new Proxy({} as Meter, { get: (_target, name) => instrument(String(name)) });
  return { getMeter: () => (methods.includes("getMeter") ? bomb() : meter) };
}

async function everything(options: OtelOptions): Promise<void> {
  const { dedup } = scene(options);
  let runs = 0;
  const handler = (): number => {
    runs += 1;
    return runs;
  };
  expect(await dedup.process(message("a"), handler)).toMatchObject({
    outcome: "processed",
    value: 1,
  });
  expect(await dedup.process(message("a"), handler)).toMatchObject({ outcome: "duplicate" });
  const failure = new TypeError("the handler's own");
  expect(await rejection(dedup.process(record("b", 1), () => Promise.reject(failure)))).toBe(
    failure,
  );
  expect(await dedup.process(record("b", 1), handler)).toMatchObject({
    outcome: "processed",
    value: 2,
  });
  expect(runs).toBe(2);
  await dedup.close();
}

describe("behaviour 87: no message is hurt by", () => {
  it.each(
    [
      "getTracer",
      "startSpan",
      "spanContext",
      "isRecording",
      "setAttributes",
      "addLink",
      "addEvent",
      "setStatus",
      "end",
    ].map((method) => [method]),
  )("a tracer whose %s throws", async (method) => {
    startSdk();
    await everything({ tracerProvider: hostileTo(method) });
  });

  it("a tracer of which everything throws", async () => {
    startSdk();
    await everything({
      tracerProvider: hostileTo("spanContext", "isRecording", "setAttributes", "addLink", "end"),
    });
  });

  it.each([
    ["getMeter"],
    ["createCounter"],
    ["createHistogram"],
    ["createUpDownCounter"],
    ["none"],
  ])("a meter whose %s throws, and whose instruments do", async (method) => {
    await everything({ meterProvider: hostileMeters(method) });
  });

  it("a context manager and a propagator that throw", async () => {
    startSdk();
    propagation.disable();
    propagation.setGlobalPropagator({ inject: bomb, extract: bomb, fields: () => [] });
    context.disable();
    context.setGlobalContextManager({
      active: bomb,
      with: bomb,
      bind: bomb,
      enable: () => bomb(),
      disable() {
        return this;
      },
    });
    await everything({});
  });

  it("callbacks of the caller that throw", async () => {
    const sdk = startSdk();
    await everything({ destination: bomb, metricAttributes: bomb });
    const [point] = await sdk.points("idempotency.messages");
    expect(point?.attributes).toMatchObject({ "messaging.destination.name": "payments" });
  });

  it("behaviour 89: having no SDK at all", async () => {
    expect(metrics.getMeterProvider().constructor.name).toMatch(/Noop/i);
    await everything({});
  });
});

it("a link that a bridge fails on costs that link alone", async () => {
  const sdk = startSdk();
  const { dedup } = scene({ tracerProvider: hostileTo("addLink") });
  await dedup.process(payment("a"), () => undefined);
  await dedup.process(payment("a"), () => undefined);
  expect(sdk.spans[1]?.attributes).toMatchObject({
    "idempotency.outcome": "duplicate",
    "idempotency.original.span_id": sdk.spans[0]?.spanContext().spanId,
  });
});
