import { OnlyOnceError, type TopicPolicy } from "@onlyonce/core";
import { createDeduplicatorWith } from "@onlyonce/core/internal";
import { beforeEach, describe, expect, it } from "vitest";
import type { KafkaRunOptions } from "../src/index.js";
import { type Given, Scene } from "./scene.js";
import { StubBatch } from "./stub-batch.js";

/** Handles one record, by its id. May throw at once. */
type Work = (id: string) => Promise<void>;

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

const oneByOne = (work: Work): Given => ({
  eachMessage: ({ message }) => work(String(message.value)),
});
const many = (work: Work): Given => ({
  eachBatch: ({ records }) =>
    Promise.all(records.map(({ message }) => work(String(message.value)))).then(() => undefined),
});

describe.each([
  ["one record", oneByOne],
  ["many records", many],
])("with a handler of %s, a record", (_, handlerOf) => {
  /** What the dead letters said. */
  let dead: string[];
  let deadLettering: KafkaRunOptions;

  beforeEach(() => {
    dead = [];
    deadLettering = {
      deadLetter: async ({ message }, { error, attempt }) => {
        dead.push(
          `${message.value} ${error instanceof OnlyOnceError ? error.code : error} ${attempt}`,
        );
      },
    };
  });

  const remember: Work = async (id) => void scene.ran.push(id);

  /** Throws before there is a promise. */
  const typeError: Work = () => {
    throw new TypeError("cannot read properties of undefined");
  };

  const conflicting: TopicPolicy = {
    key: () => "p-1",
    fingerprint: ({ payload }) => String(payload),
  };

  it("with the key of another payload is a conflict: dead-lettered, resolved, and not run", async () => {
    const given = { ...handlerOf(remember), policy: conflicting, options: deadLettering };
    const consumer = scene.consumer(given);
    await consumer(new StubBatch(["10 euros"]));
    const batch = new StubBatch(["20 euros"]);
    await consumer(batch);
    expect(scene.ran).toEqual(["10 euros"]);
    expect(dead).toEqual(["20 euros ERR_ONLYONCE_CONFLICT 0"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.observer.names()).toEqual(["processed", "conflict"]);
  });

  it("that is a conflict without a target rests at the longest back-off, and nothing behind it runs", async () => {
    const consumer = scene.consumer({ ...handlerOf(remember), policy: conflicting });
    await consumer(new StubBatch(["10 euros"]));
    const batch = new StubBatch(["20 euros", "20 euros"]);
    await consumer(batch);
    expect(scene.ran).toEqual(["10 euros"]);
    expect(batch.resolved).toEqual([]);
    await scene.clock.advance(23_999);
    expect(batch.isPaused).toBe(true);
    await scene.clock.advance(6_001);
    expect(batch.isPaused).toBe(false);
  });

  it("without a key runs unprotected, and is resolved only if that succeeds", async () => {
    const policy: TopicPolicy = { key: () => undefined };
    const batch = new StubBatch(["a"]);
    await scene.work(batch, { ...handlerOf(remember), policy });
    expect(batch.resolved).toEqual(["0"]);
    const failing = new StubBatch(["b"]);
    await scene.work(failing, { ...handlerOf(typeError), policy });
    expect(failing.resolved).toEqual([]);
    expect(failing.isPaused).toBe(true);
    expect(scene.ran).toEqual(["a"]);
    expect(scene.observer.names()).toEqual(["unprotected:key_missing", "unprotected:key_missing"]);
  });

  it("without a key, where that is refused, is dead-lettered and not run", async () => {
    const policy: TopicPolicy = { key: typeError as never, onMissingKey: "reject" };
    const batch = new StubBatch(["a", "b"]);
    await scene.work(batch, { ...handlerOf(remember), policy, options: deadLettering });
    expect(scene.ran).toEqual([]);
    expect(dead).toEqual(["a ERR_ONLYONCE_KEY_MISSING 0", "b ERR_ONLYONCE_KEY_MISSING 0"]);
    expect(batch.resolved).toEqual(["0", "1"]);
  });

  it("whose handler throws a TypeError at once rests, and is tried again until it is dead-lettered", async () => {
    const given = { ...handlerOf(typeError), policy: { maxAttempts: 2 }, options: deadLettering };
    const consumer = scene.consumer(given);
    const batch = new StubBatch(["a"]);
    await consumer(batch);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(true);
    await scene.clock.advance(1_000);
    const again = new StubBatch(["a"]);
    await consumer(again);
    expect(again.resolved).toEqual(["0"]);
    expect(dead).toEqual(["a TypeError: cannot read properties of undefined 2"]);
    expect(scene.observer.names()).toEqual(["failed", "failed:poison"]);
  });

  it("whose handler's error is given to the client on request gets there as it was, and unresolved", async () => {
    const batch = new StubBatch(["a"]);
    const options: KafkaRunOptions = { onFailure: "rethrow" };
    const working = scene.work(batch, { ...handlerOf(typeError), options });
    await expect(working).rejects.toThrow(TypeError("cannot read properties of undefined"));
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(false);
  });

  it("is not run while the store is down, and neither resolved, counted nor dead-lettered", async () => {
    const policy: TopicPolicy = { maxAttempts: 1 };
    const consumer = scene.consumer({ ...handlerOf(remember), policy, options: deadLettering });
    scene.store.always(["claim", "release"], { kind: "fail", when: "before" });
    const batch = new StubBatch(["a"]);
    const working = consumer(batch);
    await scene.clock.advance(5_000);
    await working;
    expect([scene.ran, dead, batch.resolved]).toEqual([[], [], []]);
    expect(batch.isPaused).toBe(true);
    scene.store.restore();
    await scene.clock.advance(1_000);
    const again = new StubBatch(["a"]);
    await consumer(again);
    expect([scene.ran, dead, again.resolved]).toEqual([["a"], [], ["0"]]);
  });

  it("whose claim was lost to somebody who has done the work is resolved and reported: its own work is done too", async () => {
    const policy: TopicPolicy = { ackTimeoutMs: 60_000, leaseMs: 6_000 };
    let end = (): void => undefined;
    const slowly: Work = async (id) => {
      scene.ran.push(id);
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    };
    const batch = new StubBatch(["a"]);
    const working = scene.work(batch, { ...handlerOf(slowly), policy });
    scene.store.always(["renew"], { kind: "fail", when: "before" });
    await scene.clock.advance(6_100);
    const other = createDeduplicatorWith(
      { store: scene.store, scope: "billing", defaults: policy },
      scene.clock,
    );
    const delivery = { topic: "payments", headers: { "idempotency-key": "a" } };
    await other.process(delivery, async () => undefined);
    end();
    await working;
    expect(scene.ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(scene.observer.names()).toEqual(["claim_lost"]);
  });
});
