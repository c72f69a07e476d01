import { PermanentError } from "@onlyonce/core";
import { beforeEach, describe, expect, it } from "vitest";
import type { KafkaRunOptions } from "../src/index.js";
import { type Handle, idOf, Scene } from "./scene.js";
import { StubBatch } from "./stub-batch.js";

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

function failWith(error: unknown): Handle {
  return async (payload) => {
    scene.ran.push(idOf(payload));
    throw error;
  };
}

describe("a record that cannot be resolved", () => {
  it("behaviour 81: never lets a later one of its partition pass", async () => {
    await scene.holdElsewhere("b");
    const batch = new StubBatch(["a", "b", "c"]);
    const working = scene.work(batch);
    await scene.clock.advance(5_000);
    await working;
    expect(scene.ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.observer.names()).toEqual(["processed", "busy"]);
    expect(batch.isPaused).toBe(true);
    await scene.clock.advance(6_001);
    expect(batch.isPaused).toBe(false);
  });

  it("sends heartbeats while it waits for a busy key", async () => {
    await scene.holdElsewhere("a");
    const batch = new StubBatch(["a"]);
    const working = scene.work(batch);
    await scene.clock.advance(4_000);
    expect(batch.heartbeats).toBe(1 + 16);
    await scene.clock.advance(1_000);
    await working;
  });

  it("behaviour 32: is dropped as a duplicate when the owner finishes during the wait", async () => {
    const finish = await scene.holdElsewhere("a");
    const batch = new StubBatch(["a", "b"]);
    const working = scene.work(batch);
    await scene.clock.advance(1_000);
    finish();
    await scene.clock.advance(1_000);
    await working;
    expect(scene.ran).toEqual(["b"]);
    expect(batch.resolved).toEqual(["0", "1"]);
    expect(scene.observer.names()).toEqual(["duplicate", "processed"]);
  });

  it.each([
    ["Error", new Error("card declined")],
    ["TypeError", new TypeError("cannot read properties of undefined")],
    ["an error that is not retriable", Object.assign(new Error("no"), { retriable: false })],
    ["nothing", undefined],
  ])(
    "behaviour 21: whose handler throws %s is released, rests, and runs again",
    async (_, error) => {
      const consumer = scene.consumer({
        eachMessage: async (payload, { attempt }) => {
          scene.ran.push(`${idOf(payload)}${attempt}`);
          if (attempt === 1) throw error;
        },
      });
      const batch = new StubBatch(["a", "b"]);
      await consumer(batch);
      expect(batch.resolved).toEqual([]);
      expect(batch.isPaused).toBe(true);
      await scene.clock.advance(1_000);
      expect(batch.isPaused).toBe(false);
      const again = new StubBatch(["a"]);
      await consumer(again);
      expect(scene.ran).toEqual(["a1", "a2"]);
      expect(again.resolved).toEqual(["0"]);
    },
  );

  it("behaviour 54: because the store is down is not run, not counted as an attempt and not dead-lettered", async () => {
    const dead: string[] = [];
    const attempts: number[] = [];
    const consumer = scene.consumer({
      policy: { maxAttempts: 1 },
      eachMessage: async (payload, { attempt }) => {
        attempts.push(attempt);
        scene.ran.push(idOf(payload));
      },
      options: { deadLetter: async (message) => void dead.push(idOf(message)) },
    });
    scene.store.always(["claim", "release"], { kind: "fail", when: "before" });
    for (const restMs of [1_000, 2_000, 4_000]) {
      const batch = new StubBatch(["a"]);
      const working = consumer(batch);
      await scene.clock.advance(5_000);
      await working;
      expect(batch.resolved).toEqual([]);
      await scene.clock.advance(restMs * 0.79);
      expect(batch.isPaused).toBe(true);
      await scene.clock.advance(restMs * 0.22);
      expect(batch.isPaused).toBe(false);
    }
    scene.store.restore();
    const batch = new StubBatch(["a"]);
    await consumer(batch);
    expect(scene.observer.names()).toEqual([
      "store_error",
      "store_error",
      "store_error",
      "processed",
    ]);
    expect([scene.ran, attempts, dead]).toEqual([["a"], [1], []]);
    expect(batch.resolved).toEqual(["0"]);
  });

  it("starts again at the shortest back-off after the store was back", async () => {
    const consumer = scene.consumer();
    const rests: boolean[] = [];
    const down = { kind: "fail", when: "before" } as const;
    for (const isDown of [true, true, false, true]) {
      scene.store.restore();
      if (isDown) scene.store.always(["claim", "release"], down);
      const batch = new StubBatch([`a${rests.length}`]);
      const working = consumer(batch);
      await scene.clock.advance(5_000);
      await working;
      await scene.clock.advance(1_001);
      rests.push(batch.isPaused);
      await scene.clock.advance(30_000);
    }
    expect(rests).toEqual([false, true, false, false]);
  });

  it("rests and does not spin when the deduplicator was closed before the consumer", async () => {
    const deduplicator = scene.guard();
    await deduplicator.close({ drainMs: 0 });
    const batch = new StubBatch(["a"]);
    await scene.work(batch, {}, deduplicator);
    expect(scene.ran).toEqual([]);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(true);
    await scene.clock.advance(1_000);
    expect(batch.isPaused).toBe(false);
  });

  it("leaves no timer behind once its partition is back", async () => {
    const batch = new StubBatch(["a"]);
    await scene.work(batch, { eachMessage: failWith(new Error("card declined")) });
    expect(batch.isPaused).toBe(true);
    await scene.clock.advance(60_000);
    expect(scene.clock.pendingTimers).toBe(0);
  });
});

describe("poison", () => {
  const permanent = new PermanentError("no such account");

  it("is made durable elsewhere before its offset is resolved", async () => {
    const batch = new StubBatch(["a", "b"]);
    const calls: string[] = [];
    batch.onResolve = (offset) => calls.push(`resolved ${offset}`);
    await scene.work(batch, {
      eachMessage: failWith(permanent),
      options: {
        deadLetter: async (message, { error, attempt }) => {
          const { topic, partition } = message;
          calls.push(`${idOf(message)} of ${topic}/${partition}: ${error} (${attempt})`);
        },
      },
    });
    expect(calls).toEqual([
      "a of payments/0: PermanentError: no such account (1)",
      "resolved 0",
      "b of payments/0: PermanentError: no such account (1)",
      "resolved 1",
    ]);
    expect(scene.observer.names()).toEqual(["failed:poison", "failed:poison"]);
  });

  it.each<[string, NonNullable<KafkaRunOptions["deadLetter"]>]>([
    ["rejects", () => Promise.reject(new Error("broker down"))],
    [
      "throws",
      () => {
        throw new TypeError("producer is not connected");
      },
    ],
  ])("stays unresolved when deadLetter %s", async (_, deadLetter) => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, { eachMessage: failWith(permanent), options: { deadLetter } });
    expect(scene.ran).toEqual(["a"]);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(true);
    expect(scene.observer.incidents.map(({ kind }) => kind)).toEqual(["dead_letter_failed"]);
  });

  it("without a target rests at the longest back-off, is reported, and is never dropped", async () => {
    const batch = new StubBatch(["a", "b"]);
    const options = { retryDelayMs: () => 10 };
    await scene.work(batch, { eachMessage: failWith(permanent), options });
    expect(batch.resolved).toEqual([]);
    expect(scene.observer.incidents.map(({ kind }) => kind)).toEqual(["dead_letter_missing"]);
    await scene.clock.advance(23_999);
    expect(batch.isPaused).toBe(true);
    await scene.clock.advance(6_001);
    expect(batch.isPaused).toBe(false);
  });
});

describe("onFailure: rethrow", () => {
  it("gives the handler's own error to the client, after the claim was released", async () => {
    const batch = new StubBatch(["a", "b"]);
    const error = new TypeError("cannot read properties of undefined");
    const deduplicator = scene.guard();
    const working = scene.work(
      batch,
      { eachMessage: failWith(error), options: { onFailure: "rethrow" } },
      deduplicator,
    );
    await expect(working).rejects.toBe(error);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(false);
    const again = new StubBatch(["a"]);
    await scene.work(again, {}, deduplicator);
    expect(scene.ran).toEqual(["a", "a"]);
    expect(again.resolved).toEqual(["0"]);
  });
});
