// Guards one message, with OpenTelemetry's SDK, and tells the test the traceparent of the span that its handler runs in.
import { createDeduplicator } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
import { redisStore } from "@onlyonce/redis";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { Redis } from "ioredis";
import { endWithParent, settings, tell } from "./parent.js";

export interface TracedSettings {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly id: string;
  readonly leaseMs: number;
  /** The handler never ends. */
  readonly holds: boolean;
}

const { redisUrl, prefix, id, leaseMs, holds } = settings<TracedSettings>();
endWithParent();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new TracerProvider());
const redis = new Redis(redisUrl);
const dedup = createDeduplicator({
  store: redisStore(redis, { prefix, commandTimeoutMs: 300 }),
  scope: "billing",
  defaults: { ackTimeoutMs: 60_000, leaseMs },
  observers: [otelObserver()],
});
await dedup.process({ topic: "payments", id }, async () => {
  const { traceId = "", spanId = "" } = trace.getActiveSpan()?.spanContext() ?? {};
  tell({ event: "started", id: `${traceId}-${spanId}` });
  if (holds) await new Promise(() => undefined);
});
tell({ event: "finished" });
