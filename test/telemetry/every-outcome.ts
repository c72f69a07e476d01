import { createDeduplicator, memoryStore, type Store } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
import { ManualClock } from "@onlyonce/testing";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

/** How old the duplicate of `a` is, by the clock of the store. */
export const AGE_MS = 20_500;
/** How many there are, one span each. */
export const DELIVERIES = 9;
const LEASE_MS = 30_000;

/** One delivery of every outcome that the dashboard and the alerts name; all has been sent when it resolves. */
export async function sendEveryOutcome(otlpUrl: string): Promise<void> {
  const traces = new OTLPTraceExporter({ url: `${otlpUrl}/v1/traces` });
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: traces })],
  });
  const metrics = new OTLPMetricExporter({ url: `${otlpUrl}/v1/metrics` });
  const meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: metrics })],
  });
  try {
    await deliverEvery({ tracerProvider, meterProvider });
  } finally {
    await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
  }
}

async function deliverEvery(providers: Parameters<typeof otelObserver>[0]): Promise<void> {
  const clock = new ManualClock(Date.now());
  const store = memoryStore({ clock });
  const gone: Store = Object.assign(Object.create(store) as Store, {
    claim: () => Promise.reject(new Error("gone")),
    commandTimeoutMs: 1_000,
  });
  const member = (given: Store, onStoreDown: "wait" | "process" = "wait") =>
    createDeduplicator({
      store: given,
      scope: "billing",
      defaults: { ackTimeoutMs: 60_000, leaseMs: LEASE_MS, busyWaitMs: 1, onStoreDown },
      observers: [otelObserver(providers)],
    });
  const [first, second, cut, brave] = [
    member(store),
    member(store),
    member(gone),
    member(gone, "process"),
  ];
  await first.process(message("a"), () => undefined);
  await clock.advance(AGE_MS);
  await second.process(message("a"), () => undefined);
  await rejects(first.process(message("b"), () => Promise.reject(new TypeError("no"))));
  await rejects(cut.process(message("c"), () => undefined));
  await brave.process(message("d"), () => undefined);
  await first.process(message("e"), () => rejects(second.process(message("e"), () => undefined)));
  await first.process(message("f"), async () => {
    await clock.advance(LEASE_MS + 1);
    await second.process(message("f"), () => undefined);
  });
  await Promise.all([first, second, cut, brave].map((each) => each.close()));
}

function message(id: string) {
  const transport = { system: "rabbitmq", destination: "payments", routingKey: "eu" };
  return { topic: "payments", id, redelivered: false, transport };
}

async function rejects(work: Promise<unknown>): Promise<void> {
  const isRejected = await work.then(
    () => false,
    () => true,
  );
  if (!isRejected) throw new Error("a message was processed that should not have been");
}
