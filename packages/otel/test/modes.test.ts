import { SpanStatusCode } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { inSpan, message, record, rejection, scene } from "./scene.js";
import { startSdk } from "./sdk.js";

describe("with spans", () => {
  it("annotate, the active one is written to and stored, and keeps the status that its owner gives it", async () => {
    const sdk = startSdk();
    const { dedup } = scene({ spans: "annotate" });
    await inSpan("first", () => dedup.process(message("a"), () => undefined));
    await inSpan("second", () => dedup.process(message("a"), () => undefined));
    await inSpan("third", () =>
      rejection(dedup.process(message("b"), () => Promise.reject(new TypeError("no")))),
    );
    expect(sdk.spans.map((span) => span.name)).toEqual(["first", "second", "third"]);
    const [first, second, third] = sdk.spans;
    expect(second?.links).toMatchObject([
      { context: { spanId: first?.spanContext().spanId, isRemote: true } },
    ]);
    expect(second?.attributes).toMatchObject({
      "idempotency.outcome": "duplicate",
      "idempotency.claim.result": "duplicate",
    });
    expect(third?.attributes).toMatchObject({ "error.type": "TypeError" });
    expect(third?.status.code).toBe(SpanStatusCode.UNSET);
  });

  it("annotate, the span of a batch is stored and not written to", async () => {
    const sdk = startSdk();
    const { dedup, store } = scene({ spans: "annotate" });
    const claims: (string | undefined)[] = [];
    const claim = store.claim.bind(store);
    store.claim = (requests) => {
      claims.push(...requests.map(({ origin }) => origin.traceparent));
      return claim(requests);
    };
    await inSpan("poll", () => dedup.process(record("a", 1), () => undefined));
    const poll = sdk.span("poll");
    expect(poll.attributes).toEqual({});
    expect(poll.events).toEqual([]);
    expect(claims).toEqual([`00-${poll.spanContext().traceId}-${poll.spanContext().spanId}-01`]);
  });

  it("off, there are metrics and nothing else", async () => {
    const sdk = startSdk();
    const { dedup } = scene({ spans: "off" });
    await inSpan("payments process", () => dedup.process(message("a"), () => undefined));
    expect(sdk.spans.map((span) => span.name)).toEqual(["payments process"]);
    expect(sdk.span("payments process").attributes).toEqual({});
    expect(await sdk.points("idempotency.messages")).toHaveLength(1);
  });
});
