import { claimAll } from "@onlyonce/core/adapter";
import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { AlwaysOffSampler, ParentBasedSampler } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { VERSION } from "../src/version.js";
import { inSpan, message, payment, record, scene } from "./scene.js";
import { startSdk } from "./sdk.js";

const SENDER = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const TRACEPARENT = `00-${SENDER.traceId}-${SENDER.spanId}-01`;

describe("a message that no instrumentation has drawn", () => {
  it("is a CONSUMER span below its sender, and linked to it", async () => {
    const sdk = startSdk();
    const headers = { traceparent: Buffer.from(TRACEPARENT) };
    await scene().dedup.process(message("a", { headers }), () => undefined);
    const span = sdk.span("process payments");
    expect(sdk.spans).toHaveLength(1);
    expect(span).toMatchObject({
      kind: SpanKind.CONSUMER,
      parentSpanContext: SENDER,
      links: [{ context: SENDER }],
      status: { code: SpanStatusCode.UNSET },
    });
    expect(span.links[0]?.attributes ?? {}).toEqual({});
    expect(span.spanContext().traceId).toBe(SENDER.traceId);
    expect(span.instrumentationScope).toEqual({
      name: "@onlyonce/otel",
      version: VERSION,
      schemaUrl: "https://opentelemetry.io/schemas/1.45.0",
    });
  });

  it("begins a trace of its own when it came without one", async () => {
    const sdk = startSdk();
    await scene().dedup.process(payment("a"), () => undefined);
    const span = sdk.span("process payments");
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.links).toEqual([]);
  });

  it("hands the sender's baggage to the handler", async () => {
    startSdk();
    propagation.disable();
    propagation.setGlobalPropagator({
      inject: () => undefined,
      fields: () => [],
      extract: (into) =>
        propagation.setBaggage(into, propagation.createBaggage({ tenant: { value: "acme" } })),
    });
    let tenant: string | undefined;
    await scene().dedup.process(payment("a", { headers: {} }), () => {
      tenant = propagation.getBaggage(context.active())?.getEntry("tenant")?.value;
    });
    expect(tenant).toBe("acme");
  });

  it("tells where a message of RabbitMQ came from", async () => {
    const sdk = startSdk();
    await scene().dedup.process(message("a"), () => undefined);
    expect(sdk.span("process").attributes).toEqual({
      "messaging.system.name": "rabbitmq",
      "messaging.destination.name": "orders:eu:payments",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.message.id": "a",
      "rabbitmq.message.delivery_tag": 7,
      "rabbitmq.destination.routing_key": "eu",
      "idempotency.message.redelivered": false,
      "idempotency.key.hash": expect.stringMatching(/^[0-9a-f]{16}$/),
      "idempotency.claim.result": "acquired",
      "idempotency.attempt": 1,
      "idempotency.outcome": "processed",
    });
  });

  it.each([
    ["amq.gen-JzTY20BRgKO-HjmUJj0wLg", "(anonymous)"],
    ["", "(anonymous)"],
    ["billing", "billing"],
  ])("is not named after a queue whose name was made up: %j", async (destination, shown) => {
    const sdk = startSdk();
    const transport = { system: "rabbitmq", destination };
    await scene().dedup.process(payment("a", { transport }), () => undefined);
    expect(sdk.span(`process ${shown}`).attributes).toMatchObject({
      "messaging.destination.name": shown,
    });
    const [point] = await sdk.points("idempotency.messages");
    expect(point?.attributes).toMatchObject({ "messaging.destination.name": shown });
  });
});

describe("a message that has an active span", () => {
  it("is an INTERNAL child of it, and repeats its outcome on it", async () => {
    const sdk = startSdk();
    await inSpan("payments process", () => scene().dedup.process(message("a"), () => undefined));
    const parent = sdk.span("payments process");
    const span = sdk.span("idempotency payments");
    expect(span.kind).toBe(SpanKind.INTERNAL);
    expect(span.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(span.links).toEqual([]);
    expect(span.attributes).toMatchObject({ "messaging.destination.name": "payments" });
    expect(span.attributes).not.toHaveProperty("messaging.operation.name");
    expect(parent.attributes).toEqual({ "idempotency.outcome": "processed" });
  });

  it("repeats the kind of a duplicate on it, before the message is settled", async () => {
    const sdk = startSdk();
    const { dedup } = scene();
    await dedup.process(message("a"), () => undefined);
    await inSpan("payments process", async (span) => {
      await dedup.process(message("a", { redelivered: true }), () => undefined);
      expect(sdk.span("idempotency payments").ended).toBe(true);
      // As the instrumentation of amqplib does inside of `ack`.
      span.end();
    });
    expect(sdk.span("payments process").attributes).toEqual({
      "idempotency.outcome": "duplicate",
      "idempotency.duplicate.kind": "redelivery",
    });
  });

  it("leaves the span of a batch alone, and is linked to its sender", async () => {
    const sdk = startSdk();
    const headers = { traceparent: TRACEPARENT };
    await inSpan("poll payments", () =>
      scene().dedup.process(record("a", 41, { headers }), () => undefined),
    );
    const span = sdk.span("idempotency payments");
    expect(span.links).toMatchObject([{ context: SENDER }]);
    expect(span.attributes).toMatchObject({
      "messaging.system.name": "kafka",
      "messaging.consumer.group.name": "billing",
      "messaging.destination.partition.id": "3",
      "kafka.offset": 41,
    });
    expect(sdk.span("poll payments").attributes).toEqual({});
  });

  it("is drawn from its claim on where that is taken ahead, and ends where it is given back", async () => {
    const sdk = startSdk();
    const { dedup } = scene();
    await inSpan("poll payments", async () => {
      const [first, second] = await claimAll(dedup, [record("a", 1), record("b", 2)]);
      await first?.run(() => undefined);
      await second?.abandon();
    });
    const spans = sdk.spans.filter((span) => span.name === "idempotency payments");
    expect(spans.map((span) => span.attributes["idempotency.outcome"])).toEqual([
      "processed",
      undefined,
    ]);
  });

  it("takes no span for its own that ended long ago, as where a consumer was started inside of one", async () => {
    const sdk = startSdk();
    await inSpan("bootstrap", async (span) => {
      span.end();
      await scene().dedup.process(payment("a"), () => undefined);
    });
    expect(sdk.span("process payments").parentSpanContext).toBeUndefined();
  });

  it("takes an ended span for its own where the message was sent in its trace", async () => {
    const sdk = startSdk();
    await inSpan("payments process", async (span) => {
      const { traceId, spanId } = span.spanContext();
      span.end();
      const headers = { traceparent: `00-${traceId}-${spanId}-01` };
      await scene().dedup.process(payment("a", { headers }), () => undefined);
    });
    expect(sdk.span("idempotency payments").kind).toBe(SpanKind.INTERNAL);
  });

  it("draws nothing below a span that is not sampled", async () => {
    const sdk = startSdk({ sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) });
    let flags: number | undefined;
    await inSpan("payments process", () =>
      scene().dedup.process(payment("a"), () => {
        flags = trace.getActiveSpan()?.spanContext().traceFlags;
      }),
    );
    expect(sdk.spans).toEqual([]);
    expect(flags).toBe(TraceFlags.NONE);
  });
});

it("the span is active while claim, handler and completion run, and over when the verdict is there", async () => {
  const sdk = startSdk();
  const seen: (string | undefined)[] = [];
  const look = (): void => {
    seen.push(trace.getActiveSpan()?.spanContext().spanId);
  };
  const watched = scene();
  const { store } = watched;
  const { claim, complete } = store;
  store.claim = (claims) => {
    look();
    return claim.call(store, claims);
  };
  store.complete = (completions) => {
    look();
    return complete.call(store, completions);
  };
  await watched.dedup.process(payment("a"), async () => {
    await Promise.resolve();
    look();
  });
  const { spanId } = sdk.span("process payments").spanContext();
  expect(seen).toEqual([spanId, spanId, spanId]);
});

describe("what it tells of the key", () => {
  it.each([
    ["hash", { "idempotency.key.hash": expect.stringMatching(/^[0-9a-f]{16}$/) }],
    ["raw", { "idempotency.key": "a", "kafka.message.key": "customer-1" }],
    [false, {}],
  ] as const)("%s", async (recordKey, shown) => {
    const sdk = startSdk();
    const recordKeyBytes = Buffer.from("customer-1");
    await scene({ recordKey }).dedup.process(
      record("a", 1, { recordKey: recordKeyBytes }),
      () => undefined,
    );
    const { attributes } = sdk.span("process");
    const keys = ["idempotency.key", "idempotency.key.hash", "kafka.message.key"];
    const told = Object.fromEntries(
      Object.entries(attributes).filter(([key]) => keys.includes(key)),
    );
    expect(told).toEqual(shown);
  });

  it("the same of the same message, wherever it is seen", async () => {
    const sdk = startSdk();
    const { dedup, peer } = scene();
    await dedup.process(payment("a"), () => undefined);
    await peer().process(payment("a"), () => undefined);
    const [first, second] = sdk.spans;
    expect(second?.attributes["idempotency.key.hash"]).toBe(
      first?.attributes["idempotency.key.hash"],
    );
  });
});

it("a provider of one's own is used instead of the global one", async () => {
  const own = startSdk();
  const tracerProvider = trace.getTracerProvider();
  // Only the proxy of the API is global; what is behind it stays alive.
  const tracer = tracerProvider.getTracer("kept");
  const given = { getTracer: () => tracer };
  trace.disable();
  await scene({ tracerProvider: given }).dedup.process(payment("a"), () => undefined);
  expect(own.span("process payments").instrumentationScope.name).toBe("kept");
});
