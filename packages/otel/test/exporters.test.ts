import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { metrics, trace } from "@opentelemetry/api";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { expect, it, onTestFinished } from "vitest";
import { message, scene } from "./scene.js";
import { startSdk, stopSdk } from "./sdk.js";

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

it("a link survives the way over OTLP", async () => {
  const received: OtlpSpan[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const traces = JSON.parse(Buffer.concat(chunks).toString()) as OtlpTraces;
      const scopes = traces.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans);
      received.push(...scopes.flatMap(({ spans }) => spans));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${port}/v1/traces` });
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  startSdk();
  trace.disable();
  trace.setGlobalTracerProvider(provider);
  const { dedup } = scene();
  await dedup.process(message("a"), () => undefined);
  await dedup.process(message("a"), () => undefined);
  await provider.forceFlush();
  await provider.shutdown();
  const original = received.find(({ links = [] }) => links.length === 0);
  const duplicate = received.find(({ links = [] }) => links.length > 0);
  expect(received).toHaveLength(2);
  expect(duplicate?.links).toMatchObject([
    { traceId: original?.traceId, spanId: original?.spanId },
  ]);
});

it("Prometheus shows the names that dashboards ask for", async () => {
  stopSdk();
  const reader = new PrometheusExporter({ preventServerStart: true });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const { dedup, clock } = scene();
  await dedup.process(message("a"), () => undefined);
  await clock.advance(20_000);
  await dedup.process(message("a", { redelivered: true }), () => undefined);
  const { resourceMetrics } = await reader.collect();
  const text = new PrometheusSerializer().serialize(resourceMetrics);
  const labels = 'messaging_destination_name="payments",messaging_system_name="rabbitmq"';
  const plain = text.replaceAll(/,?otel_scope_[a-z_]+="[^"]*"/g, "");
  const lines = plain.split("\n").map((line) => {
    const [, name, given = "", value] = /^(\w+)\{,?(.*)\} (\S+)/.exec(line) ?? [];
    return name === undefined ? line : `${name}{${given.split(",").sort().join(",")}} ${value}`;
  });
  expect(lines).toEqual(
    expect.arrayContaining([
      `idempotency_messages_total{idempotency_outcome="processed",${labels}} 1`,
      `idempotency_messages_total{idempotency_duplicate_kind="redelivery",idempotency_outcome="duplicate",${labels}} 1`,
      `idempotency_claim_active{${labels}} 0`,
      `idempotency_duplicate_age_bucket{idempotency_duplicate_kind="redelivery",le="15",${labels}} 0`,
      `idempotency_duplicate_age_bucket{idempotency_duplicate_kind="redelivery",le="60",${labels}} 1`,
      `idempotency_handler_duration_count{idempotency_outcome="processed",${labels}} 1`,
    ]),
  );
  expect(text).toContain("idempotency_store_operation_duration_bucket{");
  await reader.shutdown();
});
