import { describe, expect, it, vi } from "vitest";
import {
  createDeduplicator,
  header,
  jsonCodec,
  memoryStore,
  type Store,
  type TopicPolicy,
} from "../src/index.js";
import { guarded, payment } from "./guarded.js";

const DAY_MS = 86_400_000;

function make(limits: Partial<Store>, topic: TopicPolicy): unknown {
  return createDeduplicator({
    store: Object.assign(memoryStore(), limits),
    scope: "s",
    topics: { paid: topic },
  });
}

describe("a store that can't do everything", () => {
  it("refuses fingerprints at construction where completed keys keep nothing", () => {
    const fingerprint = header("etag");
    expect(() => make({ completedRecords: "bare" }, { fingerprint })).toThrow(
      /fingerprint must be left out: the store keeps/,
    );
    expect(() => make({ completedRecords: "bare" }, {})).not.toThrow();
    expect(() => make({ completedRecords: "full" }, { fingerprint })).not.toThrow();
  });

  it("behaviour 50: refuses a window that is longer than the store's at construction", () => {
    const maxWindowMs = 2 * DAY_MS;
    expect(() => make({ maxWindowMs }, { windowMs: maxWindowMs + 1 })).toThrow(
      /windowMs must be at most the store's maxWindowMs \(172800000\), got 172800001/,
    );
    expect(() => make({ maxWindowMs }, { windowMs: maxWindowMs })).not.toThrow();
  });

  it("refuses replay where completed keys keep nothing, before the handler runs", async () => {
    const { dedup } = guarded({}, (store) =>
      Object.assign(store, { completedRecords: "bare" } as const),
    );
    const handler = vi.fn(async () => "done");
    const replay = jsonCodec<string>();
    await expect(dedup.process(payment("p1"), handler, { replay })).rejects.toThrow(
      /replay must be left out/,
    );
    expect(handler).not.toHaveBeenCalled();
    expect((await dedup.process(payment("p1"), handler)).outcome).toBe("processed");
  });

  it("behaviour 49: a window of a message that is longer than the store's is counted, and the topic's is used", async () => {
    const { dedup, observer } = guarded({ windowMs: () => 2 * DAY_MS + 1 }, (store) =>
      Object.assign(store, { maxWindowMs: 2 * DAY_MS }),
    );
    await dedup.process(payment("p1"), vi.fn());
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["window_invalid"]);
    expect((await dedup.inspect(payment("p1")))?.expiresInMs).toBe(DAY_MS);
  });
});
