import { type ClaimReply, memoryStore, type Store } from "@onlyonce/core";
import { describe, expect, it } from "vitest";
import { ManualClock, type StoreHarness } from "../src/index.js";
import { checkStoreModel } from "../src/model-property.js";

const FEATURES = { clock: "manual", records: "in-process" } as const;

/** A memory store, and what a test makes of it. */
function harnessOf(wrap: (store: Store, clock: ManualClock) => Partial<Store>): StoreHarness {
  return {
    async open() {
      const clock = new ManualClock();
      const inner = memoryStore({ clock });
      const store: Store = {
        claim: (claims) => inner.claim(claims),
        remember: (claims) => inner.remember(claims),
        start: (held) => inner.start(held),
        renew: (held) => inner.renew(held),
        complete: (all) => inner.complete(all),
        release: (all) => inner.release(all),
        inspect: (key) => inner.inspect(key),
        forget: (key, seen) => inner.forget(key, seen),
        check: () => inner.check(),
        onFinding: (listener) => inner.onFinding(listener),
        close: () => inner.close(),
        ...wrap(inner, clock),
      };
      return {
        store,
        advance: (ms) => clock.advance(ms),
        async lose(key) {
          const record = await inner.inspect(key);
          if (record === undefined || (await inner.forget(key))) return;
          // A live claim: given back by its owner first, whose name stands in the revision.
          const [, , token = ""] = record.revision.split(".");
          const owner = { key, token, leaseMs: 1, windowMs: 1, origin: {} };
          await inner.release([{ ...owner, as: "unstarted" }]);
          await inner.forget(key);
        },
        close: () => inner.close(),
      };
    },
  };
}

function check(wrap: Parameters<typeof harnessOf>[0], runs: number, seed = 94) {
  return checkStoreModel(harnessOf(wrap), FEATURES, {
    pace: "manual",
    runs,
    seed,
    limitMs: 60_000,
  });
}

/** Stores that are wrong in one thing each. */
const WRONG: Readonly<Record<string, (store: Store, clock: ManualClock) => Partial<Store>>> = {
  "grants what is busy": (store) => ({
    claim: async (claims) =>
      (await store.claim(claims)).map(
        (reply): ClaimReply =>
          reply.status === "busy"
            ? { status: "acquired", grant: 9, attempt: 1, suspect: false }
            : reply,
      ),
  }),
  "says ok to every release": (store) => ({
    release: async (all) => (await store.release(all)).map(() => "ok" as const),
  }),
  "drops completions that come late": (store) => ({
    async complete(all) {
      const records = await Promise.all(all.map(({ key }) => store.inspect(key)));
      const isLate = records.some((record) => record?.state === "failed");
      return isLate ? all.map(() => "late" as const) : store.complete(all);
    },
  }),
  "lets windows end early": (store) => ({
    complete: (all) => store.complete(all.map((one) => ({ ...one, windowMs: one.windowMs - 1 }))),
  }),
  "lets leases end early": (store) => ({
    renew: (held) => store.renew(held.map((one) => ({ ...one, leaseMs: one.leaseMs - 1 }))),
  }),
  "answers a batch in another order": (store) => ({
    claim: async (claims) => (await store.claim(claims)).toReversed(),
  }),
  "ignores the grant": (store) => ({
    async release(all) {
      const free = all.map(({ grant: _grant, ...one }) => ({ ...one, as: "unstarted" as const }));
      return store.release(free);
    },
  }),
  "forgets whatever stands there": (store) => ({
    forget: (key) => store.forget(key),
  }),
  "loses the result": (store) => ({
    complete: (all) => store.complete(all.map(({ result: _result, ...one }) => one)),
  }),
  "tells no age": (store) => ({
    async inspect(key) {
      const record = await store.inspect(key);
      if (record === undefined) return undefined;
      const { ageMs: _ageMs, ...origin } = record.origin;
      return { ...record, origin };
    },
  }),
};

describe("a store that is held to the model", () => {
  it("passes if it keeps the record table, and every cell of the table is met", async () => {
    const met = await check(() => ({}), 2_000);
    expect(met.size).toBe(60);
  }, 60_000);

  for (const [fault, wrap] of Object.entries(WRONG)) {
    it(`fails if it ${fault}, and the seed is printed`, async () => {
      await expect(check(wrap, 1_000)).rejects.toThrow(/seed: 94.*\nCounterexample: \[/);
    }, 60_000);
  }

  it("fails with what was asked and answered, in order", async () => {
    const wrap = (): Partial<Store> => ({ renew: async (held) => held.map(() => "lost") });
    const failure: unknown = await check(wrap, 1_000).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      cause: {
        message: expect.stringMatching(
          /renew by .* was answered lost, but the record table says (ok|restored)\nafter\n {2}\w/,
        ),
      },
    });
  });
});
