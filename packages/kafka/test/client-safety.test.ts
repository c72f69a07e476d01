import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type Handle, idOf, Scene } from "./scene.js";
import { StubBatch } from "./stub-batch.js";

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

describe("a handler that pauses", () => {
  it("and resolves: its message is resolved, the rest waits until it calls the function it got", async () => {
    const batch = new StubBatch(["a", "b"]);
    let resume = (): void => undefined;
    await scene.work(batch, {
      eachMessage: async (payload) => {
        scene.ran.push(idOf(payload));
        resume = payload.pause();
      },
    });
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.ran).toEqual(["a"]);
    await scene.clock.advance(120_000);
    expect(batch.isPaused).toBe(true);
    resume();
    expect(batch.isPaused).toBe(false);
  });

  it("and rejects: it comes back when the handler says so, not at the adapter's back-off", async () => {
    const batch = new StubBatch(["a"]);
    await scene.work(batch, {
      eachMessage: async (payload) => {
        payload.pause();
        throw new Error("too many requests");
      },
    });
    expect(batch.resolved).toEqual([]);
    await scene.clock.advance(120_000);
    expect(batch.isPaused).toBe(true);
  });

  it("and resumes before it ends: changes nothing", async () => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, {
      eachMessage: async (payload) => {
        payload.pause()();
      },
    });
    expect(batch.resolved).toEqual(["0", "1"]);
    expect(batch.isPaused).toBe(false);
  });
});

describe("what a client must never get", () => {
  it("its own TypeError for a partition that a rebalance took away: the work is recorded", async () => {
    const batch = new StubBatch(["a", "b"]);
    batch.onResolve = () => {
      throw new TypeError("Cannot set properties of undefined (setting '0')");
    };
    const deduplicator = scene.guard();
    const eachMessage: Handle = async (payload, context) => {
      await scene.remember(payload, context);
      await scene.clock.advance(20);
    };
    await scene.work(batch, { eachMessage }, deduplicator);
    expect(scene.ran).toEqual(["a"]);
    expect(batch.isPaused).toBe(true);
    await scene.work(new StubBatch(["a"]), {}, deduplicator);
    expect(scene.ran).toEqual(["a"]);
    expect(scene.observer.names()).toEqual(["processed", "duplicate"]);
  });

  it("an error of ours: the batch rests, comes again, and one process warning says why", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => warn.mockRestore());
    const batch = new StubBatch([]);
    Object.defineProperty(batch.batch, "messages", {
      get: () => {
        throw new RangeError("no such batch");
      },
    });
    const consumer = scene.consumer();
    await consumer(batch);
    await consumer(batch);
    expect(batch.isPaused).toBe(true);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining("RangeError: no such batch"),
      expect.objectContaining({ code: "ONLYONCE_KAFKA_BATCH" }),
    );
    await scene.clock.advance(1_000);
    expect(batch.isPaused).toBe(false);
  });

  it("an error because it cannot pause any more", async () => {
    const batch = new StubBatch(["a"]);
    batch.pause = () => {
      throw new TypeError("closed");
    };
    const working = scene.work(batch, {
      eachMessage: async () => {
        throw new Error("card declined");
      },
    });
    await expect(working).resolves.toBeUndefined();
    expect(batch.resolved).toEqual([]);
  });
});
