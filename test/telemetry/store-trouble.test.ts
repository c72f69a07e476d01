import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { SpanStatusCode } from "@opentelemetry/api";
import { expect, it, onTestFinished } from "vitest";
import { allMetrics, endedSpans, traced } from "./sdk.js";

/** The URL of a server that takes every connection and never says a word. */
async function silentServer(): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("a Redis that does not answer is a timeout, on the span, on the metrics and in the event", async () => {
  const redisUrl = await silentServer();
  const topic = `payments-${randomUUID()}`;
  const closed = traced({ busyWaitMs: 100 }, { redisUrl });
  await expect(closed.dedup.process({ topic, id: "a" }, () => undefined)).rejects.toMatchObject({
    code: "ERR_ONLYONCE_STORE",
  });
  const open = traced({ onStoreDown: "process" }, { redisUrl });
  await open.dedup.process({ topic, id: "b" }, () => undefined);
  const [failed, unprotected] = endedSpans().filter(({ name }) => name === `process ${topic}`);
  expect(failed?.attributes).toMatchObject({
    "idempotency.outcome": "store_error",
    "idempotency.claim.result": "error",
    "error.type": "store_timeout",
  });
  expect(failed?.status.code).toBe(SpanStatusCode.ERROR);
  expect(unprotected?.attributes["idempotency.outcome"]).toBe("unprotected");
  expect(unprotected?.status.code).toBe(SpanStatusCode.UNSET);
  expect(unprotected?.events).toMatchObject([
    { name: "idempotency.store.error", attributes: { "error.type": "store_timeout" } },
  ]);
  const points = (await allMetrics()).get("idempotency.store.operation.duration")?.dataPoints ?? [];
  expect(points.map(({ attributes }) => attributes)).toContainEqual({
    "idempotency.store.operation": "claim",
    "idempotency.claim.result": "error",
    "db.system.name": "redis",
    "error.type": "store_timeout",
  });
});
