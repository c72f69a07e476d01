import { ManualClock } from "@onlyonce/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { HeartbeatPump } from "../src/heartbeat.js";
import { Scene } from "./scene.js";
import { protocolError, StubBatch } from "./stub-batch.js";

let clock: ManualClock;
let batch: StubBatch;
let pump: HeartbeatPump;

beforeEach(() => {
  clock = new ManualClock();
  batch = new StubBatch(["a"]);
  pump = new HeartbeatPump(batch, clock);
  pump.start();
});

function failWith(error: unknown): void {
  batch.onHeartbeat = async () => {
    throw error;
  };
}

describe("the heartbeat pump", () => {
  it("behaviour 80: beats while a handler runs, at a bounded interval", async () => {
    pump.keepAliveFor(60_000);
    await clock.advance(10_000);
    expect(batch.heartbeats).toBe(40);
  });

  it("stops beating when the longest processing time is up, so that a stuck handler loses its partition", async () => {
    pump.keepAliveFor(1_000);
    await clock.advance(60_000);
    expect(batch.heartbeats).toBe(3);
  });

  it("beats again for the next record", async () => {
    pump.keepAliveFor(1_000);
    await clock.advance(60_000);
    pump.keepAliveFor(1_000);
    await clock.advance(60_000);
    expect(batch.heartbeats).toBe(6);
  });

  it("never has two heartbeats under way", async () => {
    let answer = (): void => undefined;
    batch.onHeartbeat = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    pump.keepAliveFor(60_000);
    await clock.advance(10_000);
    expect(batch.heartbeats).toBe(1);
    answer();
    await clock.advance(250);
    expect(batch.heartbeats).toBe(2);
  });

  it.each(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID"])(
    "stops for good at %s: the partition is gone already",
    async (type) => {
      failWith(protocolError(type));
      pump.keepAliveFor(60_000);
      await clock.advance(10_000);
      expect(batch.heartbeats).toBe(1);
      expect(clock.pendingTimers).toBe(0);
      expect(pump.mayGoOn).toBe(false);
      expect(pump.signal.aborted).toBe(true);
      expect(await pump.beat()).toBe(false);
      expect(batch.heartbeats).toBe(1);
    },
  );

  it.each(["REBALANCE_IN_PROGRESS", "NOT_COORDINATOR_FOR_GROUP"])(
    "goes on at %s, so that the handler may finish, but takes nothing more",
    async (type) => {
      failWith(protocolError(type));
      pump.keepAliveFor(60_000);
      await clock.advance(1_000);
      expect(batch.heartbeats).toBe(4);
      expect(pump.mayGoOn).toBe(false);
      expect(pump.isWanted).toBe(true);
      expect(pump.signal.aborted).toBe(true);
    },
  );

  it.each<[string, unknown]>([
    ["a broken connection", new Error("Connection closed")],
    ["nothing", undefined],
    ["text", "REBALANCE_IN_PROGRESS"],
  ])("does not take a rejection with %s for the loss of the partition", async (_, error) => {
    failWith(error);
    pump.keepAliveFor(60_000);
    await clock.advance(500);
    expect(await pump.beat()).toBe(false);
    expect(pump.mayGoOn).toBe(true);
    expect(pump.signal.aborted).toBe(false);
  });

  it("survives a client whose heartbeat throws instead of rejecting", async () => {
    batch.onHeartbeat = () => {
      throw new TypeError("no coordinator");
    };
    expect(await pump.beat()).toBe(false);
  });

  it.each<[string, (stub: StubBatch) => void]>([
    [
      "stops",
      (stub) => {
        stub.running = false;
      },
    ],
    [
      "seeks",
      (stub) => {
        stub.stale = true;
      },
    ],
    [
      "is gone",
      (stub) => {
        stub.isRunning = () => {
          throw new TypeError("closed");
        };
      },
    ],
  ])(
    "tells whoever waits when the consumer %s, without a heartbeat being due",
    async (_, change) => {
      change(batch);
      expect(pump.signal.aborted).toBe(false);
      await clock.advance(250);
      expect(pump.signal.aborted).toBe(true);
      expect(pump.isWanted).toBe(false);
      expect(pump.mayGoOn).toBe(false);
      expect(batch.heartbeats).toBe(0);
    },
  );

  it("leaves no timer behind", async () => {
    pump.keepAliveFor(60_000);
    await clock.advance(1_000);
    pump.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("the longest processing time", () => {
  it("counts for waiting, for the handler and for recording, each by itself", async () => {
    const scene = new Scene();
    const stub = new StubBatch(["a"]);
    const beatsWithin = async (durationMs: number): Promise<number> => {
      const before = stub.heartbeats;
      await scene.clock.advance(durationMs);
      return stub.heartbeats - before;
    };
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    scene.store.always(["claim"], { kind: "fail", when: "before" });
    const working = scene.work(stub, {
      policy: { ackTimeoutMs: 20_000, leaseMs: 6_000, busyWaitMs: 9_000 },
      eachMessage: () => finished,
    });
    expect(await beatsWithin(8_000)).toBe(32);
    scene.store.restore();
    expect(await beatsWithin(1_000)).toBe(4);
    expect(await beatsWithin(8_000)).toBe(32);
    expect(await beatsWithin(60_000)).toBeLessThan(9);
    scene.store.next("complete", { kind: "delay", when: "after", ms: 900 });
    finish();
    // Three of the pump's, and the one between records.
    expect(await beatsWithin(899)).toBe(4);
    await scene.clock.advance(1);
    await working;
    expect(stub.resolved).toEqual(["0"]);
  });
});
