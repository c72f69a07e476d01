import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { describe, expect, it } from "vitest";
import { kafkaRun } from "../src/index.js";

const deduplicator = createDeduplicator({ store: memoryStore(), scope: "billing" });
const eachMessage = async (): Promise<void> => undefined;

/** As plain JavaScript would call it. */
function build(config: unknown, options?: unknown, dedup: unknown = deduplicator): unknown {
  return Reflect.apply(kafkaRun, undefined, [dedup, config, options]);
}

describe("a run config", () => {
  it("keeps what is the client's business and turns auto-resolve off", () => {
    const run = kafkaRun(deduplicator, {
      eachMessage,
      partitionsConsumedConcurrently: 3,
      autoCommit: true,
      autoCommitInterval: 500,
    });
    expect(run).toEqual({
      partitionsConsumedConcurrently: 3,
      autoCommit: true,
      autoCommitInterval: 500,
      eachBatchAutoResolve: false,
      eachBatch: expect.any(Function),
    });
    expect(run).not.toHaveProperty("eachMessage");
  });

  it("accepts an explicit eachBatchAutoResolve: false", () => {
    expect(
      kafkaRun(deduplicator, { eachMessage, eachBatchAutoResolve: false }).eachBatchAutoResolve,
    ).toBe(false);
  });

  it.each<[unknown, string]>([
    [{ eachMessage, autoCommit: false }, "config.autoCommit must be true, got false"],
    [{ eachMessage, autoCommit: null }, "config.autoCommit must be true, got null"],
    [
      { eachMessage, eachBatchAutoResolve: true },
      "config.eachBatchAutoResolve must be false, got true",
    ],
    [
      { eachMessage, eachBatch: eachMessage },
      "config.eachBatch must not be given beside config.eachMessage, got a function",
    ],
    [{ eachBatch: "charge" }, 'config.eachBatch must be a function, got "charge"'],
    [{}, "config.eachMessage must be a function, got undefined"],
    [{ eachMessage: "charge" }, 'config.eachMessage must be a function, got "charge"'],
    [undefined, "config must be an object, got undefined"],
    [eachMessage, "config must be an object, got a function"],
  ])("that would lose messages throws at once: %o", (config, message) => {
    expect(() => build(config)).toThrow(message);
    expect(() => build(config)).toThrow(/^config/);
  });

  it("throws at once for something that is no deduplicator", () => {
    expect(() => build({ eachMessage }, {}, {})).toThrow(/createDeduplicator/);
    expect(() => build({ eachMessage }, {}, null)).toThrow(
      "deduplicator must be an object, got null",
    );
  });
});

describe("an adapter option", () => {
  it.each<[unknown, string]>([
    [{ claimAhead: 0 }, "options.claimAhead must be a whole number from 1 to 1000, got 0"],
    [{ claimAhead: 1_001 }, "options.claimAhead must be a whole number from 1 to 1000, got 1001"],
    [{ claimAhead: "64" }, 'options.claimAhead must be a number, got "64"'],
    [{ deadletter: eachMessage }, 'unknown option "deadletter" in options: a function'],
    [{ retryDelayMs: 1_000 }, "options.retryDelayMs must be a function, got 1000"],
    [{ deadLetter: "orders.dead" }, 'options.deadLetter must be a function, got "orders.dead"'],
    [{ onFailure: "skip" }, 'options.onFailure must be one of pause, rethrow, got "skip"'],
    [{ guardAs: "orders" }, 'options.guardAs must be an object, got "orders"'],
    [
      { guardAs: { "orders.retry": "" } },
      'options.guardAs["orders.retry"] must be the name of a topic, got ""',
    ],
    [
      { guardAs: { "orders.retry": 1 } },
      'options.guardAs["orders.retry"] must be the name of a topic, got 1',
    ],
    [{ groupId: "" }, 'options.groupId must be a string that is not empty, got ""'],
    [{ groupId: 7 }, "options.groupId must be a string that is not empty, got 7"],
    ["pause", 'options must be an object, got "pause"'],
  ])("that is unknown or invalid throws, with its name and value: %o", (options, message) => {
    expect(() => build({ eachMessage }, options)).toThrow(message);
  });

  it("may be left out or undefined", () => {
    expect(() => build({ eachMessage })).not.toThrow();
    expect(() =>
      build({ eachMessage }, { retryDelayMs: undefined, deadLetter: undefined }),
    ).not.toThrow();
  });
});
