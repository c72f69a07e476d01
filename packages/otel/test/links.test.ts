import type { ClaimReply, Origin } from "@onlyonce/core";
import { claimAll } from "@onlyonce/core/adapter";
import { trace } from "@opentelemetry/api";
import { AlwaysOffSampler, AlwaysOnSampler, type ReadableSpan } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { inSpan, message, payment, record, rejection, type Scene, scene } from "./scene.js";
import { startSdk, stopSdk } from "./sdk.js";

function contextOf(span: ReadableSpan | undefined) {
  const { traceId, spanId } = span?.spanContext() ?? {};
  return { traceId, spanId };
}

function linkTo(span: ReadableSpan | undefined, type: string) {
  return {
    context: { ...contextOf(span), isRemote: true },
    attributes: { "idempotency.link.type": type },
  };
}

/** A handler that a test lets go. */
function held() {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { handler: () => released, release };
}

describe("a link", () => {
  it("behaviour 86: leads from a duplicate to the span that did the work, in another trace", async () => {
    const sdk = startSdk();
    const { dedup, peer, clock } = scene();
    await dedup.process(message("a"), () => undefined);
    await clock.advance(1_500);
    await peer().process(message("a", { redelivered: true }), () => undefined);
    const [original, duplicate] = sdk.spans;
    expect(duplicate?.links).toMatchObject([linkTo(original, "original")]);
    expect(contextOf(duplicate).traceId).not.toBe(contextOf(original).traceId);
    expect(duplicate?.attributes).toMatchObject({
      "idempotency.outcome": "duplicate",
      "idempotency.claim.result": "duplicate",
      "idempotency.duplicate.kind": "redelivery",
      "idempotency.duplicate.age": 1.5,
      "idempotency.original.trace_id": contextOf(original).traceId,
      "idempotency.original.span_id": contextOf(original).spanId,
      "idempotency.original.sampled": true,
      "idempotency.result.replayed": false,
    });
    expect(duplicate?.attributes).not.toHaveProperty("idempotency.attempt");
  });

  it("leads from one that waits for its turn to the span that holds the claim", async () => {
    const sdk = startSdk();
    const { dedup, peer, clock } = scene();
    const { handler, release } = held();
    const owner = dedup.process(payment("a"), handler);
    const waiting = rejection(peer().process(payment("a"), () => undefined));
    await clock.advance(2_500);
    await waiting;
    release();
    await owner;
    const [busy, processed] = sdk.spans;
    expect(busy?.attributes).toMatchObject({
      "idempotency.outcome": "busy",
      "idempotency.claim.result": "busy",
      "idempotency.wait.duration": 2,
    });
    expect(busy?.links).toMatchObject([linkTo(processed, "owner")]);
  });

  it("leads from a waiter that came too late to the work that it waited for", async () => {
    const sdk = startSdk();
    const { dedup, peer, clock } = scene();
    const { handler, release } = held();
    const owner = dedup.process(payment("a"), handler);
    const waiting = peer().process(payment("a"), () => undefined);
    await clock.advance(500);
    release();
    await owner;
    await clock.advance(1_000);
    expect(await waiting).toMatchObject({ outcome: "duplicate" });
    const [processed, duplicate] = sdk.spans;
    expect(duplicate?.links).toMatchObject([linkTo(processed, "original")]);
    expect(duplicate?.attributes["idempotency.wait.duration"]).toBeGreaterThan(0.4);
  });

  it("leads from a retry to the attempt that failed", async () => {
    const sdk = startSdk();
    const { dedup, peer } = scene();
    await rejection(dedup.process(payment("a"), () => Promise.reject(new Error("no"))));
    await peer().process(payment("a"), () => undefined);
    const [failed, retry] = sdk.spans;
    expect(retry?.links).toMatchObject([linkTo(failed, "previous_attempt")]);
    expect(retry?.attributes).toMatchObject({
      "idempotency.claim.result": "reclaimed",
      "idempotency.attempt": 2,
      "idempotency.outcome": "processed",
    });
  });

  it("leads from a takeover to the process that went silent, claimed ahead or not", async () => {
    const sdk = startSdk();
    const { store, dedup, peer, clock } = scene();
    // Nobody renews: this process is as good as dead.
    store.renew = () => Promise.reject(new Error("no way to the store"));
    const silent = held();
    const gone = dedup.process(payment("a"), silent.handler);
    const [ahead] = await claimAll(dedup, [record("b", 1)]);
    const goneAhead = ahead?.run(silent.handler);
    await clock.advance(3_100);
    await peer().process(payment("a"), () => undefined);
    await peer().process(record("b", 1), () => undefined);
    silent.release();
    await Promise.all([gone, goneAhead]);
    const [takeover, takeoverAhead, ...lost] = sdk.spans;
    expect(takeover?.links).toMatchObject([linkTo(lost[0], "previous_attempt")]);
    expect(takeoverAhead?.links).toMatchObject([linkTo(lost[1], "previous_attempt")]);
    expect(lost.map((span) => span.attributes["idempotency.outcome"])).toEqual([
      "claim_lost",
      "claim_lost",
    ]);
  });

  it("of a duplicate leads to the last attempt, which did the work", async () => {
    const sdk = startSdk();
    const { dedup } = scene();
    await rejection(dedup.process(payment("a"), () => Promise.reject(new Error("no"))));
    await dedup.process(payment("a"), () => undefined);
    await dedup.process(payment("a"), () => undefined);
    const [, second, duplicate] = sdk.spans;
    expect(duplicate?.links).toMatchObject([linkTo(second, "original")]);
  });

  it("leads to the work although the process that did it drew nothing below its unsampled trace", async () => {
    const unsampled = startSdk({ sampler: new AlwaysOffSampler() });
    const { dedup, peer } = scene();
    await dedup.process(payment("a"), () => undefined);
    expect(unsampled.spans).toEqual([]);
    stopSdk();
    const sdk = startSdk({ sampler: new AlwaysOnSampler() });
    await peer().process(payment("a"), () => undefined);
    const span = sdk.span("process payments");
    expect(span.attributes["idempotency.original.sampled"]).toBe(false);
    expect(span.links[0]?.context.traceFlags).toBe(0);
  });

  it("is not drawn with `links: false`, and its attributes are", async () => {
    const sdk = startSdk();
    const { dedup } = scene({ links: false });
    const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    await dedup.process(payment("a", { headers }), () => undefined);
    await dedup.process(payment("a", { headers }), () => undefined);
    const [original, duplicate] = sdk.spans;
    expect(original?.links).toEqual([]);
    expect(duplicate?.links).toEqual([]);
    expect(duplicate?.attributes["idempotency.original.span_id"]).toBe(contextOf(original).spanId);
  });
});

/** A store whose every claim is answered as a duplicate of this origin. */
function answering(origin: Origin): Scene {
  const answered = scene();
  const reply: ClaimReply = { status: "duplicate", origin };
  answered.store.claim = (claims) => Promise.resolve(claims.map(() => reply));
  return answered;
}

describe("what a record says of its span", () => {
  const TRACE = "0af7651916cd43dd8448eb211c80319c";
  const SPAN = "b7ad6b7169203331";

  it.each([
    "",
    "garbage",
    `00-${TRACE}-${SPAN}`,
    `01-${TRACE}-${SPAN}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
  ])("is no link when it is %j", async (traceparent) => {
    const sdk = startSdk();
    await answering({ traceparent }).dedup.process(payment("a"), () => undefined);
    const span = sdk.span("process payments");
    expect(span.links).toEqual([]);
    expect(span.attributes).not.toHaveProperty("idempotency.original.trace_id");
    expect(span.attributes["idempotency.outcome"]).toBe("duplicate");
  });

  it("is a link when it is a traceparent", async () => {
    const sdk = startSdk();
    const traceparent = `00-${TRACE}-${SPAN}-01`;
    await answering({ traceparent }).dedup.process(payment("a"), () => undefined);
    expect(sdk.span("process payments").links).toMatchObject([
      { context: { traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true } },
    ]);
  });
});

async function storedTraceparent(act: (watched: Scene) => Promise<unknown>, watched: Scene) {
  await act(watched);
  return (await watched.dedup.inspect(payment("a")))?.origin.traceparent;
}

describe("what is stored", () => {
  const once = ({ dedup }: Scene) => dedup.process(payment("a"), () => undefined);

  it("is the traceparent of our span, written by hand", async () => {
    const sdk = startSdk();
    const stored = await storedTraceparent(once, scene());
    const { traceId, spanId } = sdk.span("process payments").spanContext();
    expect(stored).toBe(`00-${traceId}-${spanId}-01`);
    expect(stored).toHaveLength(55);
  });

  it("is nothing without an SDK", async () => {
    expect(await storedTraceparent(once, scene())).toBeUndefined();
  });

  it("is nothing with storeTraceContext: false, and with spans: off", async () => {
    startSdk();
    expect(await storedTraceparent(once, scene({ storeTraceContext: false }))).toBeUndefined();
    expect(await storedTraceparent(once, scene({ spans: "off" }))).toBeUndefined();
  });

  it("is the span that is active in the handler", async () => {
    startSdk();
    let active: string | undefined;
    const stored = await storedTraceparent(
      ({ dedup }) =>
        dedup.process(payment("a"), () => {
          active = trace.getActiveSpan()?.spanContext().spanId;
        }),
      scene(),
    );
    expect(stored).toContain(`-${active}-`);
  });
});

describe("the kind of a duplicate", () => {
  it.each([
    ["a record that comes again from the same place", record("a", 1), record("a", 1), "redelivery"],
    ["a record that was produced again", record("a", 1), record("a", 2), "republish"],
    [
      "what the broker says it delivered before",
      message("a"),
      message("a", { redelivered: true }),
      "redelivery",
    ],
    ["what the broker never delivered before", message("a"), message("a"), "republish"],
    ["nobody knows", payment("a"), payment("a"), "unknown"],
  ])("%s", async (_name, first, second, kind) => {
    const sdk = startSdk();
    const { dedup } = scene();
    await inSpan("one", () => dedup.process(first, () => undefined));
    await inSpan("two", () => dedup.process(second, () => undefined));
    const duplicate = sdk.spans.find((span) => "idempotency.duplicate.kind" in span.attributes);
    expect(duplicate?.attributes["idempotency.duplicate.kind"]).toBe(kind);
    const [point] = await sdk.points("idempotency.duplicate.age");
    expect(point?.attributes["idempotency.duplicate.kind"]).toBe(kind);
  });
});
