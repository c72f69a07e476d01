import { createDeduplicator, type KeyStrategy, type TopicPolicy } from "@onlyonce/core";
import { RecordingObserver } from "@onlyonce/testing";
import { describe, expect, test, vi } from "vitest";
import { redisStore } from "../src/index.js";
import { client, ownPrefix } from "./redis-lab.js";

const byAmount: KeyStrategy = ({ payload }) => ["amount", Reflect.get(Object(payload), "amount")];
const byAll: KeyStrategy = ({ payload }) => payload;

const DEPLOYMENTS = {
  old: byAmount,
  "old first": [byAmount, byAll],
  "new first": [byAll, byAmount],
  new: byAll,
} as const satisfies Record<string, TopicPolicy["fingerprint"]>;

type Deployment = keyof typeof DEPLOYMENTS;

/** Processes of several deployments on one Redis. */
function fleet() {
  const prefix = ownPrefix();
  return (deployment: Deployment) => {
    const observer = new RecordingObserver();
    const dedup = createDeduplicator({
      store: redisStore(client(), { prefix }),
      scope: "billing",
      defaults: { fingerprint: DEPLOYMENTS[deployment], windowMs: 3_600_000 },
      observers: [observer],
    });
    return { dedup, observer };
  };
}

const paid = (amount: number) => ({ topic: "payments", id: "p1", payload: { amount, tax: 1 } });

describe("behaviour 20: the rule of a fingerprint changes during a rolling deploy", () => {
  const SIDE_BY_SIDE: readonly (readonly [Deployment, Deployment])[] = [
    ["old", "old first"],
    ["old first", "new first"],
    ["new first", "new"],
  ];

  test.each([...SIDE_BY_SIDE, ...SIDE_BY_SIDE.map(([before, after]) => [after, before] as const)])(
    "a record of deployment '%s' is met by '%s': duplicates are dropped, another payload is a conflict",
    async (writer, reader) => {
      const join = fleet();
      const [one, other] = [join(writer), join(reader)];
      const handler = vi.fn();
      await one.dedup.process(paid(1), handler);
      expect((await other.dedup.process(paid(1), handler)).outcome).toBe("duplicate");
      await expect(other.dedup.process(paid(2), handler)).rejects.toMatchObject({
        code: "ERR_ONLYONCE_CONFLICT",
      });
      expect(await other.dedup.isDuplicate(paid(1))).toBe(true);
      expect(handler).toHaveBeenCalledTimes(1);
      expect(other.observer.names()).toEqual(["duplicate", "conflict"]);
    },
  );

  test("changed in one step, it makes conflicts of duplicates: that is what the list is for", async () => {
    const join = fleet();
    await join("old").dedup.process(paid(1), vi.fn());
    await expect(join("new").dedup.process(paid(1), vi.fn())).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CONFLICT",
    });
  });

  test("a record that is lost between two questions is completed with the current fingerprint", async () => {
    const prefix = ownPrefix();
    const store = redisStore(client(), { prefix });
    const guarded = (fingerprint: TopicPolicy["fingerprint"], over = store) =>
      createDeduplicator({
        store: over,
        scope: "billing",
        defaults: fingerprint === undefined ? {} : { fingerprint },
        observers: [],
      });
    await guarded(byAmount).process(paid(1), vi.fn());
    let asked = 0;
    const losing = new Proxy(store, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== "function") return value;
        if (property !== "claim") return value.bind(target);
        return async (claims: Parameters<typeof store.claim>[0]) => {
          asked += 1;
          if (asked === 2) await target.forget(claims[0]?.key ?? "");
          return target.claim(claims);
        };
      },
    });
    const handler = vi.fn();
    expect((await guarded([byAll, byAmount], losing).process(paid(1), handler)).outcome).toBe(
      "processed",
    );
    expect((await guarded(byAll).process(paid(1), handler)).outcome).toBe("duplicate");
    expect(handler).toHaveBeenCalledTimes(1);
  });
});
