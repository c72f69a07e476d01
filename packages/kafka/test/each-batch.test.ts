import { PermanentError } from "@onlyonce/core";
import { beforeEach, describe, expect, it } from "vitest";
import { type KafkaMessage, type KafkaRecords, kafkaRun } from "../src/index.js";
import { deliveryOf, Scene } from "./scene.js";
import { StubBatch } from "./stub-batch.js";

let scene: Scene;
/** The ids of each call of the handler. */
let calls: string[][];

beforeEach(() => {
  scene = new Scene();
  calls = [];
});

function note({ records }: KafkaRecords): string[] {
  const ids = records.map(({ message }) => String(message.value));
  calls.push(ids);
  return ids;
}

/** Fails the records of these ids, the others are done. */
function failing(ids: readonly string[], error: unknown = new Error("card declined")) {
  return async (payload: KafkaRecords): Promise<void> => {
    note(payload);
    for (const record of payload.records) {
      if (ids.includes(String(record.message.value))) record.fail(error);
    }
  };
}

async function done(payload: KafkaRecords): Promise<void> {
  note(payload);
}

describe("a handler of many records", () => {
  it("gets the fresh records of a batch at once, in order, as many as are claimed ahead", async () => {
    const ids = Array.from({ length: 70 }, (_, index) => `p-${index}`);
    const batch = new StubBatch(ids, 3);
    const places: unknown[] = [];
    await scene.work(batch, {
      eachBatch: async (payload) => {
        note(payload);
        places.push([payload.topic, payload.partition]);
        for (const { context } of payload.records) expect(context.attempt).toBe(1);
        await payload.heartbeat();
      },
    });
    expect(calls).toEqual([ids.slice(0, 64), ids.slice(64)]);
    expect(places).toEqual(Array(2).fill(["payments", 3]));
    expect(batch.resolved).toEqual(ids.map((_, offset) => String(offset)));
    expect(scene.observer.count("processed")).toBe(70);
  });

  it("does not get what was processed before, and is not called for nothing", async () => {
    const consumer = scene.consumer({ eachBatch: done });
    await consumer(new StubBatch(["a", "c"]));
    const batch = new StubBatch(["a", "b", "c", "d"]);
    await consumer(batch);
    const copies = new StubBatch(["a", "b"]);
    await consumer(copies);
    expect(calls).toEqual([
      ["a", "c"],
      ["b", "d"],
    ]);
    expect(batch.resolved).toEqual(["0", "1", "2", "3"]);
    expect(copies.resolved).toEqual(["0", "1"]);
  });

  it("behaviour 77: gets the first of equal records only", async () => {
    const batch = new StubBatch(["a", "b", "a", "c"]);
    await scene.work(batch, { eachBatch: done });
    expect(calls).toEqual([["a", "b"], ["c"]]);
    expect(batch.resolved).toEqual(["0", "1", "2", "3"]);
    expect(scene.observer.count("duplicate")).toBe(1);
  });

  it("may fail some of the records: what is before them is resolved, what is behind them is remembered", async () => {
    const consumer = scene.consumer({ eachBatch: failing(["b"]) });
    const batch = new StubBatch(["a", "b", "c"]);
    await consumer(batch);
    expect(batch.resolved).toEqual(["0"]);
    expect(batch.isPaused).toBe(true);
    expect(scene.observer.count("failed")).toBe(1);
    expect(scene.observer.count("processed")).toBe(2);
    expect(await scene.guard().inspect(deliveryOf("c"))).toMatchObject({ state: "completed" });
    const attempts: number[] = [];
    const again = new StubBatch(["b", "c"]);
    await scene.work(again, {
      eachBatch: async (payload) => {
        note(payload);
        attempts.push(...payload.records.map(({ context }) => context.attempt));
      },
    });
    expect(calls).toEqual([["a", "b", "c"], ["b"]]);
    expect(attempts).toEqual([2]);
    expect(again.resolved).toEqual(["0", "1"]);
  });

  it("that rejects fails every record of the call, each with its own error", async () => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, {
      eachBatch: async (payload) => {
        note(payload);
        payload.records[1]?.fail(new Error("no such account"));
        throw new Error("the ledger is down");
      },
    });
    expect(batch.resolved).toEqual([]);
    expect(scene.observer.outcomes.map(({ error }) => String(error))).toEqual([
      "Error: the ledger is down",
      "Error: no such account",
    ]);
    for (const id of ["a", "b"]) {
      expect(await scene.guard().inspect(deliveryOf(id))).toMatchObject({ state: "failed" });
    }
  });

  it("may fail a record for good: it is dead-lettered, and the others are resolved", async () => {
    const dead: string[] = [];
    const batch = new StubBatch(["a", "b", "c"]);
    await scene.work(batch, {
      eachBatch: failing(["b"], new PermanentError("no such account")),
      options: {
        deadLetter: async ({ message }: KafkaMessage) => void dead.push(String(message.value)),
      },
    });
    expect(dead).toEqual(["b"]);
    expect(batch.resolved).toEqual(["0", "1", "2"]);
  });

  it("may fail a record with nothing, and the first reason counts", async () => {
    const batch = new StubBatch(["a"]);
    await scene.work(batch, {
      eachBatch: async ({ records }) => {
        records[0]?.fail(undefined);
        records[0]?.fail(new Error("second thoughts"));
      },
    });
    expect(batch.resolved).toEqual([]);
    expect(scene.observer.outcomes.map(({ outcome, error }) => [outcome, error])).toEqual([
      ["failed", undefined],
    ]);
  });

  it("is called up to a key that is busy, and for the rest once that is free", async () => {
    const finish = await scene.holdElsewhere("b");
    const batch = new StubBatch(["a", "b", "c"]);
    const working = scene.work(batch, { eachBatch: done });
    await scene.clock.advance(1_000);
    expect(calls).toEqual([["a"]]);
    finish();
    await scene.clock.advance(1_000);
    await working;
    expect(calls).toEqual([["a"], ["c"]]);
    expect(batch.resolved).toEqual(["0", "1", "2"]);
  });

  it("is called again for a record whose lease was lost meanwhile, alone", async () => {
    const batch = new StubBatch(["a", "b"]);
    let failed = false;
    const working = scene.work(batch, {
      policy: { ackTimeoutMs: 60_000, leaseMs: 6_000 },
      eachBatch: async (payload) => {
        note(payload);
        if (failed) return;
        failed = true;
        await new Promise<void>((resolve) => {
          scene.clock.after(5_600, resolve);
        });
        throw new Error("aborted");
      },
    });
    scene.store.always(["renew"], { kind: "fail", when: "before" });
    await scene.clock.advance(5_700);
    scene.store.restore();
    await scene.clock.advance(10_000);
    await working;
    expect(calls[0]).toEqual(["a", "b"]);
    expect(calls.slice(1).flat().toSorted()).toEqual(["a", "b"]);
    expect(batch.resolved).toEqual(["0", "1"]);
  });

  it("works with claims that are not taken ahead, one record a call", async () => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, { eachBatch: done, options: { claimAhead: 1 } });
    expect(calls).toEqual([["a"], ["b"]]);
    expect(batch.resolved).toEqual(["0", "1"]);
  });

  it("that pauses the partition is not called for the rest of the batch", async () => {
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, {
      options: { claimAhead: 1 },
      eachBatch: async (payload) => {
        note(payload);
        payload.pause();
      },
    });
    expect(calls).toEqual([["a"]]);
    expect(batch.resolved).toEqual(["0"]);
  });

  it("is called as a method of the config that it was given in", async () => {
    const config = {
      name: "ledger",
      async eachBatch(this: { name: string }): Promise<void> {
        calls.push([this.name]);
      },
    };
    const run = kafkaRun(scene.guard(), config);
    await run.eachBatch(new StubBatch(["a"]));
    expect(calls).toEqual([["ledger"]]);
  });
});
