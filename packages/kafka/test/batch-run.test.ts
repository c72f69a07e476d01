import {
  type Context,
  createDeduplicator,
  type Deduplicator,
  type Delivery,
  memoryStore,
  PermanentError,
  type Store,
  type TopicPolicy,
} from "@onlyonce/core";
import { createDeduplicatorWith } from "@onlyonce/core/internal";
import { ManualClock, RecordingObserver } from "@onlyonce/testing";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { KafkaMessage, KafkaRunOptions } from "../src/index.js";
import { kafkaRunWith } from "../src/run-config.js";
import { tap } from "./store-tap.js";
import { protocolError, recordOf, StubBatch } from "./stub-batch.js";

type Handle = (payload: KafkaMessage, context: Context) => Promise<void>;

let clock: ManualClock;
let store: Store;
let observer: RecordingObserver;
let ran: string[];

beforeEach(() => {
  clock = new ManualClock();
  store = memoryStore({ clock });
  observer = new RecordingObserver();
  ran = [];
});

function idOf({ message }: KafkaMessage): string {
  return String(message.value);
}

const remember: Handle = async (payload) => {
  ran.push(idOf(payload));
};

function guard(policy: TopicPolicy = {}, guarded: Store = store): Deduplicator {
  return createDeduplicatorWith(
    { store: guarded, scope: "billing", defaults: policy, observers: [observer] },
    clock,
  );
}

function deliveryOf(id: string): Delivery {
  return { topic: "payments", headers: { "idempotency-key": id } };
}

/** One batch through the adapter, on the clock that stands still. */
function work(
  batch: StubBatch,
  eachMessage: Handle = remember,
  options: KafkaRunOptions = {},
  deduplicator: Deduplicator = guard(),
): Promise<void> {
  return kafkaRunWith(deduplicator, { eachMessage }, options, clock).eachBatch(batch);
}

/** Somebody else holds the claim of `id`. */
async function holdElsewhere(id: string): Promise<() => void> {
  const other = createDeduplicatorWith({ store, scope: "billing" }, clock);
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const started = new Promise<void>((resolve) => {
    void other.process(deliveryOf(id), () => {
      resolve();
      return finished;
    });
  });
  await started;
  return finish;
}

describe("a batch", () => {
  it("behaviour 1: is worked through in order, each record resolved by its own offset after its handler", async () => {
    const batch = new StubBatch(["a", "b", "c"]);
    await work(batch, async (payload) => {
      expect(batch.resolved).toEqual(ran.map((_, index) => String(index)));
      ran.push(idOf(payload));
    });
    expect(ran).toEqual(["a", "b", "c"]);
    expect(batch.resolved).toEqual(["0", "1", "2"]);
    expect(observer.names()).toEqual(["processed", "processed", "processed"]);
    expect(batch.isPaused).toBe(false);
    await clock.advance(60_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it("behaviour 77: with duplicates inside runs the first of each and resolves all", async () => {
    const batch = new StubBatch(["a", "a", "b", "a"]);
    await work(batch);
    expect(ran).toEqual(["a", "b"]);
    expect(batch.resolved).toEqual(["0", "1", "2", "3"]);
    expect(observer.names()).toEqual(["processed", "duplicate", "processed", "duplicate"]);
  });

  it("records that the work is done before it resolves the offset", async () => {
    const batch = new StubBatch(["a"]);
    const calls: string[] = [];
    const watched: Store = {
      ...tap(store, (_, send) => send()),
      complete: async (completions) => {
        const replies = await store.complete(completions);
        calls.push("recorded");
        return replies;
      },
    };
    batch.onResolve = () => calls.push("resolved");
    await work(batch, remember, {}, guard({}, watched));
    expect(calls).toEqual(["recorded", "resolved"]);
  });

  it("sends a heartbeat and lets the client commit between records", async () => {
    const batch = new StubBatch(["a", "b"]);
    await work(batch);
    expect(batch.heartbeats).toBe(3);
    expect(batch.commitChecks).toBe(2);
  });

  it("works with a client that has no commitOffsetsIfNecessary", async () => {
    const batch = new StubBatch(["a", "b"]);
    Object.defineProperty(batch, "commitOffsetsIfNecessary", { value: undefined });
    await work(batch);
    expect(batch.resolved).toEqual(["0", "1"]);
  });

  it("gives the handler what eachMessage would get", async () => {
    const batch = new StubBatch(["a"], 3);
    const seen: KafkaMessage[] = [];
    await work(batch, async (payload, context) => {
      expect(context.attempt).toBe(1);
      seen.push(payload);
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

  it("calls the handler as a method of the config that it was given in", async () => {
    const config = {
      name: "ledger",
      async eachMessage(this: { name: string }): Promise<void> {
        ran.push(this.name);
      },
    };
    await kafkaRunWith(guard(), config, {}, clock).eachBatch(new StubBatch(["a"]));
    expect(ran).toEqual(["ledger"]);
  });
});

describe("behaviour 79: a batch that is no longer wanted", () => {
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
  ])("takes no claim for the remaining records when %s", async (_, change) => {
    const batch = new StubBatch(["a", "b"]);
    const deduplicator = guard();
    const eachMessage: Handle = async (payload) => {
      ran.push(idOf(payload));
      change(batch);
    };
    await work(batch, eachMessage, {}, deduplicator);
    expect(ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(observer.names()).toEqual(["processed"]);
    expect(await deduplicator.inspect(deliveryOf("a"))).toMatchObject({ state: "completed" });
    expect(await deduplicator.inspect(deliveryOf("b"))).toBeUndefined();
    expect(batch.isPaused).toBe(false);
  });

  it("takes no claim at all when it was stopped before", async () => {
    const batch = new StubBatch(["a"]);
    batch.running = false;
    await work(batch);
    expect(ran).toEqual([]);
    expect(batch.heartbeats).toBe(0);
  });

  it("takes no claim when the group began to rebalance before it came up", async () => {
    const batch = new StubBatch(["a"]);
    batch.onHeartbeat = async () => {
      throw protocolError("REBALANCE_IN_PROGRESS");
    };
    await work(batch);
    expect(ran).toEqual([]);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(false);
  });

  it("finishes, records and resolves the record at hand when the group rebalances, and returns normally", async () => {
    const batch = new StubBatch(["a", "b"]);
    await work(batch, async (payload) => {
      ran.push(idOf(payload));
      batch.onHeartbeat = async () => {
        throw protocolError("REBALANCE_IN_PROGRESS");
      };
      await payload.heartbeat();
    });
    expect(ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(observer.names()).toEqual(["processed"]);
  });

  it("stops after the record at hand when a commit fails: the client deals with its own error", async () => {
    const batch = new StubBatch(["a", "b"]);
    batch.onCommitCheck = async () => {
      throw protocolError("ILLEGAL_GENERATION");
    };
    await work(batch);
    expect(batch.resolved).toEqual(["0"]);
  });

  it("gives up waiting for a busy key when the consumer stops, and leaves the record untouched", async () => {
    await holdElsewhere("a");
    const batch = new StubBatch(["a", "b"]);
    const working = work(batch);
    await clock.advance(1_000);
    batch.running = false;
    await clock.advance(250);
    await working;
    expect(ran).toEqual([]);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(false);
    expect(observer.names()).toEqual([]);
  });

  it("gives up waiting for a busy key when the partition is about to go elsewhere", async () => {
    await holdElsewhere("a");
    const batch = new StubBatch(["a"]);
    const working = work(batch);
    batch.onHeartbeat = async () => {
      throw protocolError("REBALANCE_IN_PROGRESS");
    };
    await clock.advance(500);
    await working;
    expect(batch.resolved).toEqual([]);
    expect(observer.names()).toEqual([]);
  });
});

describe("a record that cannot be resolved", () => {
  it("behaviour 81: never lets a later one of its partition pass", async () => {
    await holdElsewhere("b");
    const batch = new StubBatch(["a", "b", "c"]);
    const working = work(batch);
    await clock.advance(5_000);
    await working;
    expect(ran).toEqual(["a"]);
    expect(batch.resolved).toEqual(["0"]);
    expect(observer.names()).toEqual(["processed", "busy"]);
    expect(batch.isPaused).toBe(true);
    await clock.advance(6_001);
    expect(batch.isPaused).toBe(false);
  });

  it("sends heartbeats while it waits for a busy key", async () => {
    await holdElsewhere("a");
    const batch = new StubBatch(["a"]);
    const working = work(batch);
    await clock.advance(4_000);
    expect(batch.heartbeats).toBeGreaterThanOrEqual(16);
    await clock.advance(1_000);
    await working;
  });

  it("behaviour 32: is dropped as a duplicate when the owner finishes during the wait", async () => {
    const finish = await holdElsewhere("a");
    const batch = new StubBatch(["a", "b"]);
    const working = work(batch);
    await clock.advance(1_000);
    finish();
    await clock.advance(1_000);
    await working;
    expect(ran).toEqual(["b"]);
    expect(batch.resolved).toEqual(["0", "1"]);
    expect(observer.names()).toEqual(["duplicate", "processed"]);
  });

  it.each([
    ["Error", new Error("card declined")],
    ["TypeError", new TypeError("cannot read properties of undefined")],
    ["an error that is not retriable", Object.assign(new Error("no"), { retriable: false })],
    ["nothing", undefined],
  ])(
    "behaviour 21: because its handler throws %s is released, rests, and runs again",
    async (_, error) => {
      const batch = new StubBatch(["a", "b"]);
      const eachMessage: Handle = async (payload, { attempt }) => {
        ran.push(`${idOf(payload)}${attempt}`);
        if (attempt === 1) throw error;
      };
      const deduplicator = guard();
      const run = kafkaRunWith(deduplicator, { eachMessage }, {}, clock);
      await run.eachBatch(batch);
      expect(batch.resolved).toEqual([]);
      expect(batch.isPaused).toBe(true);
      await clock.advance(1_000);
      expect(batch.isPaused).toBe(false);
      const again = new StubBatch(["a"]);
      await run.eachBatch(again);
      expect(ran).toEqual(["a1", "a2"]);
      expect(again.resolved).toEqual(["0"]);
    },
  );

  it("behaviour 54: because the store is down is not run, not counted as an attempt and not dead-lettered", async () => {
    let isDown = true;
    const flaky = tap(store, async (_, send) => {
      if (isDown) throw new Error("ECONNREFUSED");
      return send();
    });
    const deadLettered: string[] = [];
    const attempts: number[] = [];
    const run = kafkaRunWith(
      guard({ maxAttempts: 1 }, flaky),
      {
        eachMessage: async (payload, { attempt }) => {
          attempts.push(attempt);
          ran.push(idOf(payload));
        },
      },
      { deadLetter: async (message) => void deadLettered.push(idOf(message)) },
      clock,
    );
    for (const restMs of [1_000, 2_000, 4_000]) {
      const batch = new StubBatch(["a"]);
      const working = run.eachBatch(batch);
      await clock.advance(5_000);
      await working;
      expect(batch.resolved).toEqual([]);
      await clock.advance(restMs * 0.79);
      expect(batch.isPaused).toBe(true);
      await clock.advance(restMs * 0.22);
      expect(batch.isPaused).toBe(false);
    }
    isDown = false;
    const batch = new StubBatch(["a"]);
    await run.eachBatch(batch);
    expect(observer.names()).toEqual(["store_error", "store_error", "store_error", "processed"]);
    expect([ran, attempts, deadLettered]).toEqual([["a"], [1], []]);
    expect(batch.resolved).toEqual(["0"]);
  });

  it("rests and does not spin when the deduplicator was closed before the consumer", async () => {
    const deduplicator = guard();
    await deduplicator.close({ drainMs: 0 });
    const batch = new StubBatch(["a"]);
    await work(batch, remember, {}, deduplicator);
    expect(ran).toEqual([]);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(true);
    await clock.advance(1_000);
    expect(batch.isPaused).toBe(false);
  });

  it("leaves no timer of the batch behind, only that of the pause", async () => {
    const batch = new StubBatch(["a"]);
    await work(batch, async () => {
      throw new Error("card declined");
    });
    expect(batch.isPaused).toBe(true);
    await clock.advance(60_000);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("poison", () => {
  const fail: Handle = async (payload) => {
    ran.push(idOf(payload));
    throw new PermanentError("no such account");
  };

  it("is made durable elsewhere before its offset is resolved", async () => {
    const batch = new StubBatch(["a", "b"]);
    const calls: string[] = [];
    batch.onResolve = (offset) => calls.push(`resolved ${offset}`);
    await work(batch, fail, {
      deadLetter: async (message, why) => {
        expect(batch.resolved.length).toBe(
          calls.filter((call) => call.startsWith("resolved")).length,
        );
        calls.push(
          `${idOf(message)} of ${message.topic}/${message.partition}: ${why.error} (${why.attempt})`,
        );
      },
    });
    expect(calls).toEqual([
      "a of payments/0: PermanentError: no such account (1)",
      "resolved 0",
      "b of payments/0: PermanentError: no such account (1)",
      "resolved 1",
    ]);
    expect(observer.names()).toEqual(["failed:poison", "failed:poison"]);
  });

  it.each<[string, KafkaRunOptions["deadLetter"]]>([
    ["rejects", () => Promise.reject(new Error("broker down"))],
    [
      "throws",
      () => {
        throw new TypeError("producer is not connected");
      },
    ],
  ])("stays unresolved when deadLetter %s", async (_, deadLetter) => {
    const batch = new StubBatch(["a", "b"]);
    await work(batch, fail, { ...(deadLetter && { deadLetter }) });
    expect(ran).toEqual(["a"]);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(true);
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["dead_letter_failed"]);
  });

  it("without a target rests at the longest back-off, is reported, and is never dropped", async () => {
    const batch = new StubBatch(["a", "b"]);
    await work(batch, fail, { retryDelayMs: () => 10 });
    expect(batch.resolved).toEqual([]);
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["dead_letter_missing"]);
    await clock.advance(23_999);
    expect(batch.isPaused).toBe(true);
    await clock.advance(6_001);
    expect(batch.isPaused).toBe(false);
  });
});

describe("onFailure: rethrow", () => {
  it("gives the handler's own error to the client, after the claim was released", async () => {
    const batch = new StubBatch(["a", "b"]);
    const error = new TypeError("cannot read properties of undefined");
    const deduplicator = guard();
    const failing: Handle = async () => {
      throw error;
    };
    await expect(work(batch, failing, { onFailure: "rethrow" }, deduplicator)).rejects.toBe(error);
    expect(batch.resolved).toEqual([]);
    expect(batch.isPaused).toBe(false);
    const again = new StubBatch(["a"]);
    await work(again, remember, {}, deduplicator);
    expect(ran).toEqual(["a"]);
  });
});

describe("a handler that pauses", () => {
  it("and resolves: its message is resolved, the rest waits until it calls the function it got", async () => {
    const batch = new StubBatch(["a", "b"]);
    let resume = (): void => undefined;
    await work(batch, async (payload) => {
      ran.push(idOf(payload));
      resume = payload.pause();
    });
    expect(batch.resolved).toEqual(["0"]);
    expect(ran).toEqual(["a"]);
    await clock.advance(120_000);
    expect(batch.isPaused).toBe(true);
    resume();
    expect(batch.isPaused).toBe(false);
  });

  it("and rejects: it comes back when the handler says so, not at the adapter's back-off", async () => {
    const batch = new StubBatch(["a"]);
    await work(batch, async (payload) => {
      payload.pause();
      throw new Error("too many requests");
    });
    expect(batch.resolved).toEqual([]);
    await clock.advance(120_000);
    expect(batch.isPaused).toBe(true);
  });

  it("and resumes before it ends: changes nothing", async () => {
    const batch = new StubBatch(["a", "b"]);
    await work(batch, async (payload) => {
      ran.push(idOf(payload));
      payload.pause()();
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
    const deduplicator = guard();
    await work(batch, remember, {}, deduplicator);
    expect(ran).toEqual(["a"]);
    await work(new StubBatch(["a"]), remember, {}, deduplicator);
    expect(ran).toEqual(["a"]);
  });

  it("an error of ours: the batch rests, comes again, and a process warning says why", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => warn.mockRestore());
    const batch = new StubBatch([]);
    Object.defineProperty(batch.batch, "messages", {
      get: () => {
        throw new RangeError("no such batch");
      },
    });
    await work(batch);
    expect(batch.isPaused).toBe(true);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining("RangeError: no such batch"),
      expect.objectContaining({ code: "ONLYONCE_KAFKA_BATCH" }),
    );
    await clock.advance(1_000);
    expect(batch.isPaused).toBe(false);
  });

  it("not even when the client cannot pause any more", async () => {
    const batch = new StubBatch(["a"]);
    batch.pause = () => {
      throw new TypeError("closed");
    };
    const failing: Handle = async () => {
      throw new Error("card declined");
    };
    await expect(work(batch, failing)).resolves.toBeUndefined();
  });
});

describe("without a message key", () => {
  it("behaviour 82: a tombstone with a null key and no header runs unprotected and is resolved", async () => {
    const batch = new StubBatch([]);
    const tombstone = { ...recordOf("x", 0), key: null, value: null, headers: {} };
    Object.defineProperty(batch.batch, "messages", { value: [tombstone] });
    await work(batch);
    expect(batch.resolved).toEqual(["0"]);
    expect(observer.names()).toEqual(["unprotected:key_missing"]);
  });
});

it("a deduplicator made by createDeduplicator is taken as it is", async () => {
  const deduplicator = createDeduplicator({
    store: memoryStore(),
    scope: "billing",
    observers: [observer],
  });
  const batch = new StubBatch(["a"]);
  await work(batch, remember, {}, deduplicator);
  expect(batch.resolved).toEqual(["0"]);
});
