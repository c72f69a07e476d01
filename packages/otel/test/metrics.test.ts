import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { claimAll } from "@onlyonce/core/adapter";
import { metrics } from "@opentelemetry/api";
import { DataPointType } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { otelObserver } from "../src/index.js";
import { guardedBy, message, payment, record, rejection, scene } from "./scene.js";
import { startSdk, stopSdk } from "./sdk.js";

/** Everything that a metric may say, and nothing else. */
const ALLOWED = new Set([
  "messaging.system.name",
  "messaging.destination.name",
  "messaging.consumer.group.name",
  "idempotency.outcome",
  "idempotency.claim.result",
  "idempotency.duplicate.kind",
  "idempotency.store.operation",
  "db.system.name",
  "error.type",
]);

/** Deliveries of every kind. Gives how many there were. */
async function deliverSome(options = {}): Promise<number> {
  const { dedup, peer, clock } = scene(options, {
    fingerprint: ({ payload }) => JSON.stringify(payload),
  });
  const broken = (): Promise<never> => Promise.reject(new TypeError("no"));
  const fine = (): void => undefined;
  await dedup.process(message("a"), fine);
  await dedup.process(message("a", { redelivered: true }), fine);
  await dedup.process(message("a"), fine);
  await rejection(dedup.process(message("a", { payload: "other" }), fine));
  await rejection(dedup.process(message("b"), broken));
  await rejection(dedup.process({ topic: "payments" }, broken));
  const tickets = await claimAll(dedup, [record("c", 1), record("d", 2), record("c", 3)]);
  for (const ticket of tickets) await ticket.run(fine);
  let finish: () => void = () => undefined;
  const owner = dedup.process(record("e", 4), () => new Promise<void>((done) => (finish = done)));
  const waiting = rejection(peer().process(record("e", 4), fine));
  await clock.advance(2_500);
  await waiting;
  finish();
  await owner;
  return 11;
}

describe("metrics", () => {
  it("behaviour 85: count every delivery once, whatever it came to", async () => {
    const sdk = startSdk();
    const deliveries = await deliverSome();
    const points = await sdk.points("idempotency.messages");
    const counts = points.map(({ value, attributes }) => [
      attributes["idempotency.outcome"],
      attributes["idempotency.duplicate.kind"],
      attributes["error.type"],
      value,
    ]);
    expect(counts.reduce((sum, [, , , value]) => sum + Number(value), 0)).toBe(deliveries);
    expect(counts).toEqual(
      expect.arrayContaining([
        ["processed", undefined, undefined, 1],
        ["duplicate", "redelivery", undefined, 1],
        ["duplicate", "republish", undefined, 1],
        ["conflict", undefined, "fingerprint_mismatch", 1],
        ["failed", undefined, "TypeError", 1],
        ["unprotected", undefined, "TypeError", 1],
        ["busy", "redelivery", undefined, 1],
      ]),
    );
  });

  it("have no other attribute than those that are known to have few values", async () => {
    const sdk = startSdk();
    await deliverSome();
    const seen = new Set<string>();
    for (const metric of (await sdk.metrics()).values()) {
      for (const { attributes } of metric.dataPoints) {
        for (const name of Object.keys(attributes)) seen.add(name);
      }
    }
    expect([...seen].filter((name) => !ALLOWED.has(name))).toEqual([]);
    expect(seen.size).toBeGreaterThan(6);
  });

  it("have names, units and buckets that fit what they measure", async () => {
    const sdk = startSdk();
    await deliverSome();
    const shown = [...(await sdk.metrics()).values()].map(
      ({ descriptor, dataPointType, dataPoints }) => {
        const value = dataPoints[0]?.value;
        const bounds =
          typeof value === "object" && "buckets" in value ? value.buckets.boundaries : [];
        return [descriptor.name, descriptor.unit, DataPointType[dataPointType], bounds];
      },
    );
    expect(shown.sort()).toEqual([
      ["idempotency.claim.active", "{claim}", "SUM", []],
      [
        "idempotency.duplicate.age",
        "s",
        "HISTOGRAM",
        [0.1, 1, 5, 15, 60, 300, 900, 3_600, 10_800, 43_200, 86_400, 259_200, 604_800],
      ],
      [
        "idempotency.handler.duration",
        "s",
        "HISTOGRAM",
        [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      ],
      ["idempotency.messages", "{message}", "SUM", []],
      [
        "idempotency.store.operation.duration",
        "s",
        "HISTOGRAM",
        [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      ],
    ]);
  });

  it("time the handler where it ran, also without a claim, and never a duplicate's", async () => {
    const sdk = startSdk();
    await deliverSome();
    const points = await sdk.points("idempotency.handler.duration");
    const counts = points.map(({ value, attributes }) => [
      attributes["idempotency.outcome"],
      typeof value === "object" ? value.count : undefined,
    ]);
    expect(Object.fromEntries(counts)).toEqual({ processed: 3, failed: 1, unprotected: 1 });
  });

  it("time every call of the store, as the caller saw it", async () => {
    const sdk = startSdk();
    const { store, dedup } = scene();
    store.complete = () => Promise.reject(new Error("gone"));
    Object.defineProperty(store, "system", { value: "redis" });
    const told = createDeduplicator({ store, scope: "x", observers: [otelObserver()] });
    await claimAll(told, [payment("a"), payment("b")]);
    await rejection(dedup.process(payment("c"), () => Promise.reject(new Error("no"))));
    await claimAll(told, [payment("a"), payment("b")]);
    const points = await sdk.points("idempotency.store.operation.duration");
    expect(points.map(({ attributes }) => attributes)).toEqual(
      expect.arrayContaining([
        {
          "idempotency.store.operation": "claim",
          "idempotency.claim.result": "acquired",
          "db.system.name": "redis",
        },
        { "idempotency.store.operation": "release" },
      ]),
    );
    await told.close();
  });

  it("count a claim as active while its handler runs, with the same attributes both times", async () => {
    const sdk = startSdk();
    const dedup = guardedBy(otelObserver());
    const active = async () =>
      (await sdk.points("idempotency.claim.active")).map(({ value, attributes }) => [
        value,
        attributes,
      ]);
    let during: unknown;
    await dedup.process(message("a"), async () => {
      during = await active();
    });
    const attributes = {
      "messaging.system.name": "rabbitmq",
      "messaging.destination.name": "payments",
    };
    expect(during).toEqual([[1, attributes]]);
    await rejection(dedup.process(message("b"), () => Promise.reject(new Error("no"))));
    await dedup.process({ topic: "payments" }, async () => {
      during = await active();
    });
    expect(during).toEqual([[0, attributes]]);
    expect(await active()).toEqual([[0, attributes]]);
  });

  it("know how old duplicates are by the store's clock", async () => {
    const sdk = startSdk();
    const { dedup, clock } = scene();
    await dedup.process(message("a"), () => undefined);
    await clock.advance(20_000);
    await dedup.process(message("a"), () => undefined);
    const [point] = await sdk.points("idempotency.duplicate.age");
    expect(point?.value).toMatchObject({ sum: 20, count: 1 });
    expect(point?.attributes).toEqual({
      "messaging.system.name": "rabbitmq",
      "messaging.destination.name": "payments",
      "idempotency.duplicate.kind": "republish",
    });
  });

  it("come alive with an SDK that starts late, and follow one that is registered anew", async () => {
    const dedup = guardedBy(otelObserver());
    await dedup.process(message("a"), () => undefined);
    for (const id of ["b", "c"]) {
      const sdk = startSdk();
      await dedup.process(message(id), () => undefined);
      expect(await sdk.points("idempotency.messages")).toMatchObject([{ value: 1 }]);
      expect(sdk.spans).toHaveLength(1);
      stopSdk();
    }
  });

  it("go to a provider of one's own, and get attributes of one's own that hide none of ours", async () => {
    const sdk = startSdk();
    const meterProvider = metrics.getMeterProvider();
    metrics.disable();
    const { dedup } = scene({
      meterProvider,
      destination: ({ topic }) => topic.replace(/s$/, ""),
      metricAttributes: ({ topic }) => ({ tier: "gold", "messaging.destination.name": topic }),
    });
    await dedup.process(payment("a"), () => undefined);
    const [point] = await sdk.points("idempotency.messages");
    expect(point?.attributes).toEqual({
      tier: "gold",
      "messaging.destination.name": "payment",
      "idempotency.outcome": "processed",
    });
    expect(sdk.span("process payment").name).toBe("process payment");
  });

  it("are not recorded with `metrics: false`", async () => {
    const sdk = startSdk();
    await deliverSome({ metrics: false });
    expect((await sdk.metrics()).size).toBe(0);
    expect(sdk.spans.length).toBeGreaterThan(0);
  });

  it("ask a store for no more than without them", async () => {
    const counted = memoryStore();
    expect(counted.system).toBeUndefined();
    const dedup = createDeduplicator({
      store: counted,
      scope: "x",
      observers: [otelObserver()],
    });
    await dedup.process(payment("a"), () => undefined);
    expect(await dedup.inspect(payment("a"))).toMatchObject({ state: "completed" });
    expect(await dedup.forget(payment("a"))).toBe(true);
    expect(await dedup.isDuplicate(payment("a"))).toBe(false);
    expect(await dedup.check()).toHaveLength(1);
  });
});
