import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { beforeEach, describe, expect, it } from "vitest";
import type { KafkaMessage } from "../src/index.js";
import { kafkaRunWith } from "../src/run-config.js";
import { deliveryOf, idOf, Scene } from "./scene.js";
import { protocolError, recordOf, StubBatch } from "./stub-batch.js";

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

describe("a batch", () => {
  it("behaviour 1: is worked through in order, each record resolved by its own offset after its handler", async () => {
    const batch = new StubBatch(["a", "b", "c"]);
    batch.onResolve = (offset) => expect(scene.ran.length).toBeGreaterThan(Number(offset));
    await scene.work(batch);
    expect(scene.ran).toEqual(["a", "b", "c"]);
    expect(batch.resolved).toEqual(["0", "1", "2"]);
    expect(scene.observer.names()).toEqual(["processed", "processed", "processed"]);
    expect(batch.isPaused).toBe(false);
    await scene.clock.advance(60_000);
    expect(scene.clock.pendingTimers).toBe(0);
  });

  it("behaviour 77: with duplicates inside runs the first of each and resolves all", async () => {
    const batch = new StubBatch(["a", "a", "b", "a"]);
    await scene.work(batch);
    expect(scene.ran).toEqual(["a", "b"]);
    expect(batch.resolved).toEqual(["0", "1", "2", "3"]);
    expect(scene.observer.names()).toEqual(["processed", "duplicate", "processed", "duplicate"]);
  });

  it("records that the work is done before it resolves the offset", async () => {
    const batch = new StubBatch(["a"]);
    scene.store.next("complete", { kind: "delay", when: "after", ms: 500 });
    const working = scene.work(batch);
    await scene.clock.advance(499);
    expect(scene.ran).toEqual(["a"]);
    expect(batch.resolved).toEqual([]);
    await scene.clock.advance(1);
    await working;
    expect(batch.resolved).toEqual(["0"]);
  });

  it("sends a heartbeat and lets the client commit between records, at least every 20 ms", async () => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, { eachMessage: () => scene.clock.advance(20) });
    expect(batch.heartbeats).toBe(3);
    expect(batch.commitChecks).toBe(2);
  });

  it("sends a heartbeat and lets the client commit after 16 records, however quick they are", async () => {
    const batch = new StubBatch(Array.from({ length: 40 }, (_, i) => `m${i}`));
    await scene.work(batch);
    expect(batch.heartbeats).toBe(3);
    expect(batch.commitChecks).toBe(2);
  });

  it("works with a client that has no commitOffsetsIfNecessary", async () => {
    const batch = new StubBatch(["a", "b"]);
    Object.defineProperty(batch, "commitOffsetsIfNecessary", { value: undefined });
    await scene.work(batch);
    expect(batch.resolved).toEqual(["0", "1"]);
  });

  it("gives the handler what eachMessage would get", async () => {
    const batch = new StubBatch(["a"], 3);
    const seen: KafkaMessage[] = [];
    await scene.work(batch, {
      eachMessage: async (payload, { attempt }) => {
        expect(attempt).toBe(1);
        seen.push(payload);
      },
    });
    expect(seen).toEqual([
      {
        topic: "payments",
        partition: 3,
        message: batch.batch.messages[0],
        heartbeat: expect.any(Function),
        pause: expect.any(Function),
      },
    ]);
    expect(seen[0]?.message).toBe(batch.batch.messages[0]);
  });

  it("tells observers the consumer group, and keeps it out of the key", async () => {
    await scene.work(new StubBatch(["a"]), { options: { groupId: "billing-1" } });
    await scene.work(new StubBatch(["a"]), { options: { groupId: "billing-2" } });
    expect(scene.observer.names()).toEqual(["processed", "duplicate"]);
    expect(scene.observer.outcomes.map(({ delivery }) => delivery.consumerGroup)).toEqual([
      "billing-1",
      "billing-2",
    ]);
  });

  it("calls the handler as a method of the config that it was given in", async () => {
    const config = {
      name: "ledger",
      async eachMessage(this: { name: string }): Promise<void> {
        scene.ran.push(this.name);
      },
    };
    const { eachBatch } = kafkaRunWith(scene.guard(), config, {}, scene.clock);
    await eachBatch(new StubBatch(["a"]));
    expect(scene.ran).toEqual(["ledger"]);
  });

  it("takes a deduplicator that was made by createDeduplicator", async () => {
    const deduplicator = createDeduplicator({ store: memoryStore(), scope: "billing" });
    const batch = new StubBatch(["a"]);
    await scene.work(batch, {}, deduplicator);
    expect(batch.resolved).toEqual(["0"]);
  });

  it("behaviour 82: a tombstone with a null key and no header runs unprotected and is resolved", async () => {
    const batch = new StubBatch([]);
    const tombstone = { ...recordOf("x", 0), key: null, value: null, headers: {} };
    Object.defineProperty(batch.batch, "messages", { value: [tombstone] });
    await scene.work(batch);
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.observer.names()).toEqual(["unprotected:key_missing"]);
  });
});

describe("a batch that is no longer wanted", () => {
  it.each<[string, (batch: StubBatch) => void]>([
    [
      "the consumer stops",
      (batch) => {
        batch.running = false;
      },
    ],
    [
      "somebody seeks",
      (batch) => {
        batch.stale = true;
      },
    ],
  ])("behaviour 79: takes no claim for the remaining records when %s", async (_, change) => {
    const batch = new StubBatch(["a", "b"]);
    const deduplicator = scene.guard();
    const eachMessage = async (payload: KafkaMessage): Promise<void> => {
      scene.ran.push(idOf(payload));
      change(batch);
    };
    await scene.work(batch, { eachMessage, options: { claimAhead: 1 } }, deduplicator);
    expect(scene.ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.observer.names()).toEqual(["processed"]);
    expect(await deduplicator.inspect(deliveryOf("a"))).toMatchObject({ state: "completed" });
    expect(await deduplicator.inspect(deliveryOf("b"))).toBeUndefined();
    expect(scene.store.count("claim")).toBe(1);
    expect(batch.isPaused).toBe(false);
  });

  it("behaviour 79: takes no claim at all when it was stopped before", async () => {
    const batch = new StubBatch(["a"]);
    batch.running = false;
    await scene.work(batch);
    expect(scene.store.calls).toEqual([]);
    expect(batch.heartbeats).toBe(0);
  });

  it("takes no claim when the group began to rebalance before it came up", async () => {
    const batch = new StubBatch(["a"]);
    batch.onHeartbeat = async () => {
      throw protocolError("REBALANCE_IN_PROGRESS");
    };
    await scene.work(batch);
    expect(scene.store.calls).toEqual([]);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(false);
  });

  it("finishes, records and resolves the record at hand when the group rebalances, and returns normally", async () => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, {
      eachMessage: async (payload) => {
        scene.ran.push(idOf(payload));
        batch.onHeartbeat = async () => {
          throw protocolError("REBALANCE_IN_PROGRESS");
        };
        await payload.heartbeat();
      },
    });
    expect(scene.ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.observer.names()).toEqual(["processed"]);
  });

  it("stops after the record at hand when a commit fails: the client deals with its own error", async () => {
    const batch = new StubBatch(["a", "b"]);
    batch.onCommitCheck = async () => {
      throw protocolError("ILLEGAL_GENERATION");
    };
    await scene.work(batch, { eachMessage: () => scene.clock.advance(20) });
    expect(batch.resolved).toEqual(["0"]);
  });

  it("stops after the record at hand when a heartbeat cannot be sent, whatever the reason", async () => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, {
      eachMessage: async () => {
        batch.onHeartbeat = async () => {
          throw new Error("Connection closed");
        };
        await scene.clock.advance(20);
      },
    });
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.store.count("claim")).toBe(1);
  });

  it("is not paused for a handler that fails while the consumer stops: nobody would fetch from it", async () => {
    const batch = new StubBatch(["a"]);
    await scene.work(batch, {
      eachMessage: async () => {
        batch.running = false;
        throw new Error("card declined");
      },
    });
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(false);
  });

  it("gives up waiting for a busy key when the consumer stops, and leaves the record untouched", async () => {
    await scene.holdElsewhere("a");
    const batch = new StubBatch(["a", "b"]);
    const working = scene.work(batch);
    await scene.clock.advance(1_000);
    batch.running = false;
    await scene.clock.advance(250);
    await working;
    expect(scene.ran).toEqual([]);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(false);
    expect(scene.observer.names()).toEqual([]);
  });

  it("gives up waiting for a busy key when the partition is about to go elsewhere", async () => {
    await scene.holdElsewhere("a");
    const batch = new StubBatch(["a"]);
    const working = scene.work(batch);
    await scene.clock.advance(1_000);
    batch.onHeartbeat = async () => {
      throw protocolError("REBALANCE_IN_PROGRESS");
    };
    await scene.clock.advance(500);
    await working;
    expect(batch.resolved).toEqual([]);
    expect(scene.observer.names()).toEqual([]);
  });
});
