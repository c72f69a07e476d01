import { describe, expect, it, vi } from "vitest";
import type { Observer } from "../src/index.js";
import { createDeduplicator, memoryStore } from "../src/index.js";
import { guarded, payment } from "./guarded.js";

function observed(...observers: readonly Observer[]): ReturnType<typeof createDeduplicator> {
  return createDeduplicator({ store: memoryStore(), scope: "s", observers });
}

describe("observers", () => {
  it("behaviours 85 and 88: get exactly one outcome per delivery, whatever happened", async () => {
    const { dedup, observer } = guarded({ onMissingKey: "reject" });
    const failing = (): never => {
      throw new Error("declined");
    };
    const deliveries = [
      dedup.process(payment("a"), vi.fn()),
      dedup.process(payment("a"), vi.fn()),
      dedup.process(payment("b"), failing),
      dedup.process({ topic: "payments" }, vi.fn()),
    ];
    await Promise.allSettled(deliveries);
    expect(observer.outcomes).toHaveLength(deliveries.length);
    expect(observer.names().toSorted()).toEqual([
      "duplicate",
      "failed",
      "failed:key_missing",
      "processed",
    ]);
  });

  it("behaviour 87: never change an outcome, wherever they throw", async () => {
    const broken = (): never => {
      throw new Error("exporter down");
    };
    const hostile: Observer = {
      around: broken,
      traceparent: broken,
      outcome: broken,
      incident: broken,
      finding: broken,
    };
    const late: Observer = {
      around: async (_delivery, next) => {
        await next();
        throw new Error("span already ended");
      },
      outcome: () => Promise.reject(new Error("async")) as never,
    };
    const deaf: Observer = { around: () => Promise.resolve("something else") as never };
    const eager: Observer = {
      around: async (_delivery, next) => {
        await next();
        return next();
      },
    };
    const dedup = observed(hostile, late, deaf, eager);
    const handler = vi.fn(() => "charged");
    expect(await dedup.process(payment("p1"), handler)).toEqual({
      outcome: "processed",
      value: "charged",
    });
    expect(handler).toHaveBeenCalledTimes(1);
    const failing = dedup.process(payment("p2"), () => {
      throw new Error("declined");
    });
    await expect(failing).rejects.toThrow("declined");
  });

  it("wrap claim, handler and outcome, and give the trace that is stored", async () => {
    const steps: string[] = [];
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const dedup = observed({
      around: async (_delivery, next) => {
        steps.push("open");
        const result = await next();
        steps.push("close");
        return result;
      },
      traceparent: () => traceparent,
      outcome: ({ outcome }) => steps.push(outcome),
    });
    await dedup.process(payment("p1"), () => steps.push("handler"));
    expect(steps).toEqual(["open", "handler", "processed", "close"]);
    expect((await dedup.inspect(payment("p1")))?.origin.traceparent).toBe(traceparent);
    const duplicate = await dedup.process(payment("p1"), vi.fn());
    expect(duplicate).toMatchObject({ outcome: "duplicate", origin: { traceparent } });
  });

  it("are told what the store's start-up check found", async () => {
    const findings: string[] = [];
    const dedup = observed({ finding: ({ code }) => findings.push(code) });
    await dedup.process(payment("p1"), vi.fn());
    await vi.waitFor(() => expect(findings).toEqual(["memory_only"]));
  });

  it("their absence is warned of once, when the first handler fails", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    try {
      const dedup = createDeduplicator({ store: memoryStore(), scope: "s" });
      for (const id of ["a", "b"]) {
        const failing = dedup.process(payment(id), () => {
          throw new Error("declined");
        });
        await expect(failing).rejects.toThrow("declined");
      }
      expect(warned).toHaveBeenCalledTimes(1);
      expect(String(warned.mock.calls[0]?.[0])).toMatch(/no observers.*declined/);
    } finally {
      warned.mockRestore();
    }
  });
});
