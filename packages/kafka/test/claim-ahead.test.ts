import { beforeEach, describe, expect, it } from "vitest";
import { deliveryOf, idOf, Scene } from "./scene.js";
import { protocolError, StubBatch } from "./stub-batch.js";

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

/** A handler that a test ends by hand, for one id; the others are only noted. */
function slow(id: string): { eachMessage: Scene["remember"]; finish(error?: Error): void } {
  let finish: (error?: Error) => void = () => undefined;
  const finished = new Promise<Error | undefined>((resolve) => {
    finish = resolve;
  });
  return {
    eachMessage: async (payload, context) => {
      await scene.remember(payload, context);
      if (idOf(payload) !== id) return;
      const error = await finished;
      if (error !== undefined) throw error;
    },
    finish,
  };
}

function keysOf(verb: string): number[] {
  return scene.store.calls.filter((call) => call.verb === verb).map(({ keys }) => keys.length);
}

/** Whether somebody else may run `id` right now. */
async function isFree(id: string): Promise<boolean> {
  const record = await scene.guard().inspect(deliveryOf(id));
  return record?.state !== "claimed";
}

describe("records that are claimed ahead", () => {
  const many = Array.from({ length: 150 }, (_, index) => `p-${index}`);

  it.each([
    [undefined, [64, 64, 22]],
    [100, [100, 50]],
    [1, Array(150).fill(1)],
  ])("cost one claim for as many as claimAhead (%s) says", async (claimAhead, claims) => {
    const batch = new StubBatch(many);
    await scene.work(batch, claimAhead === undefined ? {} : { options: { claimAhead } });
    expect(keysOf("claim")).toEqual(claims);
    expect(scene.ran).toEqual(many);
    expect(batch.resolved).toEqual(many.map((_, offset) => String(offset)));
  });

  it("start when the completion of the one before was sent, and are resolved in order when it is answered", async () => {
    scene.store.always(["complete"], { kind: "delay", when: "after", ms: 80 });
    scene.store.next("complete", { kind: "delay", when: "after", ms: 90 });
    const batch = new StubBatch(["a", "b", "c"]);
    const working = scene.work(batch);
    await scene.clock.advance(0);
    expect(scene.ran).toEqual(["a", "b", "c"]);
    expect(scene.store.count("complete")).toBe(3);
    await scene.clock.advance(89);
    expect(batch.resolved).toEqual([]);
    await scene.clock.advance(1);
    await working;
    expect(batch.resolved).toEqual(["0", "1", "2"]);
  });

  it("wait for an answer that is overdue: an outage of the store leaves few effects unrecorded", async () => {
    scene.store.always(["complete"], { kind: "delay", when: "after", ms: 5_000 });
    const slowly = async (payload: Parameters<Scene["remember"]>[0]): Promise<void> => {
      scene.ran.push(idOf(payload));
      await new Promise<void>((resolve) => {
        scene.clock.after(60, resolve);
      });
    };
    const batch = new StubBatch(many);
    const working = scene.work(batch, { eachMessage: slowly });
    await scene.clock.advance(4_000);
    expect(scene.ran).toEqual(["p-0", "p-1"]);
    batch.running = false;
    await scene.clock.advance(5_000);
    await working;
    expect(batch.resolved).toEqual(["0", "1"]);
  });

  it("are resolved even if their completions are never answered: the work is done", async () => {
    scene.store.always(["complete"], { kind: "fail", when: "before" });
    const batch = new StubBatch(["a", "b"]);
    const working = scene.work(batch, { policy: { leaseMs: 6_000 } });
    await scene.clock.advance(30_000);
    await working;
    expect(batch.resolved).toEqual(["0", "1"]);
    expect(scene.observer.names()).toEqual(["processed:unrecorded", "processed:unrecorded"]);
  });

  it("behind one that fails do not start and are released, and what is before it is resolved", async () => {
    scene.store.next("complete", { kind: "delay", when: "after", ms: 50 });
    const batch = new StubBatch(["a", "b", "c", "d"]);
    const { eachMessage, finish } = slow("b");
    const working = scene.work(batch, { eachMessage });
    finish(new Error("card declined"));
    await scene.clock.advance(50);
    await working;
    expect(scene.ran).toEqual(["a", "b"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.observer.names()).toEqual(["failed", "processed"]);
    expect(await isFree("c")).toBe(true);
    expect(await isFree("d")).toBe(true);
    expect(batch.isPaused).toBe(true);
  });

  it("give the rest back before they wait for a key, so that nobody waits for them in turn", async () => {
    const finish = await scene.holdElsewhere("b");
    const batch = new StubBatch(["a", "b", "c"]);
    const working = scene.work(batch);
    await scene.clock.advance(100);
    expect(scene.ran).toEqual(["a"]);
    expect(await isFree("c")).toBe(true);
    finish();
    await scene.clock.advance(250);
    await working;
    expect(scene.ran).toEqual(["a", "c"]);
    expect(batch.resolved).toEqual(["0", "1", "2"]);
  });

  it("two partitions that hold what the other one waits for both go on", async () => {
    const consumer = scene.consumer({ policy: { busyWaitMs: 2_000 } });
    const batches = [new StubBatch(["a", "b"], 0), new StubBatch(["b", "a"], 1)];
    const working = batches.map(consumer);
    await scene.clock.advance(300);
    await Promise.all(working);
    expect(scene.ran.toSorted()).toEqual(["a", "b"]);
    for (const batch of batches) expect(batch.resolved).toEqual(["0", "1"]);
    expect(scene.observer.names().toSorted()).toEqual([
      "duplicate",
      "duplicate",
      "processed",
      "processed",
    ]);
  });

  it("behaviour 77: with equal keys wait for the first, and give nothing back for it", async () => {
    scene.store.always(["complete"], { kind: "delay", when: "after", ms: 50 });
    const batch = new StubBatch(["a", "a", "b"]);
    const working = scene.work(batch);
    await scene.clock.advance(200);
    await working;
    expect(scene.ran).toEqual(["a", "b"]);
    expect(scene.store.count("release")).toBe(0);
    expect(batch.resolved).toEqual(["0", "1", "2"]);
  });

  it("are renewed in one call while they wait behind a long handler, and run without another claim", async () => {
    const batch = new StubBatch(["a", "b", "c"]);
    const { eachMessage, finish } = slow("a");
    const working = scene.work(batch, { eachMessage });
    await scene.clock.advance(120_000);
    expect(new Set(keysOf("renew"))).toEqual(new Set([3]));
    finish();
    await scene.clock.advance(0);
    await working;
    expect(keysOf("claim")).toEqual([3]);
    expect(scene.observer.names()).toEqual(["processed", "processed", "processed"]);
  });

  it("do not run if somebody else did while this process stood still", async () => {
    const batch = new StubBatch(["a", "b", "c"]);
    const { eachMessage, finish } = slow("a");
    const working = scene.work(batch, { eachMessage, policy: { leaseMs: 6_000 } });
    await scene.clock.advance(0);
    scene.store.always(["renew"], { kind: "fail", when: "before" });
    await scene.clock.advance(6_001);
    await scene.guard().process(deliveryOf("b"), () => undefined);
    scene.store.restore();
    finish();
    await scene.clock.advance(500);
    await working;
    expect(scene.ran).toEqual(["a", "c"]);
    expect(batch.resolved).toEqual(["0", "1", "2"]);
  });

  it("behaviour 79: are given back at once when the consumer stops, while the handler at hand goes on", async () => {
    const batch = new StubBatch(["a", "b"]);
    const { eachMessage, finish } = slow("a");
    const working = scene.work(batch, { eachMessage });
    await scene.clock.advance(1_000);
    expect(await isFree("b")).toBe(false);
    batch.running = false;
    await scene.clock.advance(250);
    expect(await isFree("b")).toBe(true);
    finish();
    await scene.clock.advance(0);
    await working;
    expect(scene.ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.observer.names()).toEqual(["processed"]);
  });

  it.each(["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION"])(
    "are given back at once when a heartbeat says %s",
    async (type) => {
      const batch = new StubBatch(["a", "b"]);
      const { eachMessage, finish } = slow("a");
      const working = scene.work(batch, { eachMessage });
      await scene.clock.advance(1_000);
      batch.onHeartbeat = async () => {
        throw protocolError(type);
      };
      await scene.clock.advance(250);
      expect(await isFree("b")).toBe(true);
      expect(await isFree("a")).toBe(false);
      finish();
      await scene.clock.advance(0);
      await working;
      expect(batch.resolved).toEqual(["0"]);
    },
  );

  it("are given back when a handler is stuck, because its partition will go elsewhere", async () => {
    const batch = new StubBatch(["a", "b"]);
    const { eachMessage, finish } = slow("a");
    const policy = { ackTimeoutMs: 20_000, leaseMs: 6_000 };
    const working = scene.work(batch, { eachMessage, policy });
    await scene.clock.advance(11_000);
    expect(await isFree("b")).toBe(true);
    finish();
    await scene.clock.advance(100);
    await working;
    expect(scene.ran).toEqual(["a", "b"]);
    expect(batch.resolved).toEqual(["0", "1"]);
  });

  it("are claimed while the group before them runs, where groups are fast, and given back like them", async () => {
    const batch = new StubBatch([...many, ...many.map((id) => `${id}-more`)]);
    const { eachMessage, finish } = slow("p-70");
    const working = scene.work(batch, { eachMessage });
    await expect.poll(() => scene.ran.at(-1)).toBe("p-70");
    expect(keysOf("claim")).toEqual([64, 64, 64]);
    expect(await isFree("p-149")).toBe(false);
    batch.running = false;
    await scene.clock.advance(250);
    expect(await isFree("p-71")).toBe(true);
    expect(await isFree("p-149")).toBe(true);
    finish();
    await scene.clock.advance(0);
    await working;
    expect(batch.resolved).toHaveLength(71);
  });

  it("are claimed anew, each once, after they were given back for a busy key", async () => {
    const finish = await scene.holdElsewhere("p-70");
    const batch = new StubBatch(many);
    const working = scene.work(batch, { policy: { busyWaitMs: 10_000 } });
    await expect.poll(() => scene.store.count("release")).toBeGreaterThan(0);
    expect(scene.ran).toEqual(many.slice(0, 70));
    expect(await isFree("p-149")).toBe(true);
    finish();
    await scene.clock.advance(1_000);
    await working;
    expect(scene.ran).toEqual(many.filter((id) => id !== "p-70"));
    expect(batch.resolved).toEqual(many.map((_, offset) => String(offset)));
  });

  it("are given back when a handler pauses the partition", async () => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, {
      eachMessage: async (payload) => {
        scene.ran.push(idOf(payload));
        payload.pause();
      },
    });
    expect(scene.ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(await isFree("b")).toBe(true);
  });

  it("are dead-lettered as themselves", async () => {
    const dead: string[] = [];
    const batch = new StubBatch(["a", "b", "c"]);
    await scene.work(batch, {
      policy: { maxAttempts: 1 },
      eachMessage: async (payload) => {
        if (idOf(payload) === "b") throw new Error("card declined");
        scene.ran.push(idOf(payload));
      },
      options: {
        deadLetter: async (payload, { attempt }) => {
          dead.push(`${idOf(payload)} ${payload.topic}/${payload.partition} ${attempt}`);
        },
      },
    });
    expect(dead).toEqual(["b payments/0 1"]);
    expect(scene.ran).toEqual(["a", "c"]);
    expect(batch.resolved).toEqual(["0", "1", "2"]);
  });
});
