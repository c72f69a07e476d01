import { FaultyStore } from "@onlyonce/testing";
import { describe, expect, it, vi } from "vitest";
import { attend, claimAll } from "../src/adapter.js";
import type {
  ClaimReply,
  ClaimRequest,
  Delivery,
  KeyStrategy,
  Store,
  TopicPolicy,
} from "../src/index.js";
import { jsonCodec } from "../src/index.js";
import { guarded, payment, Work } from "./guarded.js";

/** The rule of the first deployment, and the one that comes after it. */
const byAmount: KeyStrategy = ({ payload }) => ["amount", Reflect.get(Object(payload), "amount")];
const byAll: KeyStrategy = ({ payload }) => payload;

const OLD: TopicPolicy = { fingerprint: byAmount };
const OLD_FIRST: TopicPolicy = { fingerprint: [byAmount, byAll] };
const NEW_FIRST: TopicPolicy = { fingerprint: [byAll, byAmount] };
const NEW: TopicPolicy = { fingerprint: byAll };

const paid = (amount: number, more: Partial<Delivery> = {}): Delivery =>
  payment("p1", { payload: { amount, currency: "EUR" }, ...more });

const soon = (check: () => boolean): Promise<unknown> =>
  vi.waitUntil(check, { timeout: 10_000, interval: 1 });

/** Lets a test step in before the n-th claim reaches the store. */
function beforeClaim(nth: number, act: (store: Store) => Promise<unknown>) {
  const sent: ClaimRequest[] = [];
  const answers: ClaimReply[] = [];
  const wrap = (store: Store): Store =>
    new Proxy(store, {
      get(target, property) {
        if (property === "claim") {
          return async (claims: readonly ClaimRequest[]) => {
            sent.push(...claims);
            if (sent.length === nth) await act(store);
            const replies = await store.claim(claims);
            answers.push(...replies);
            return replies;
          };
        }
        const value: unknown = Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return { sent, answers, wrap };
}

describe("behaviour 20: a fingerprint whose rule changes during a rolling deploy", () => {
  it.each([
    ["an old record, by a process of the next deployment", OLD, OLD_FIRST],
    ["a record of the next deployment, by an old process", OLD_FIRST, OLD],
    ["an old rule's record, once the new rule comes first", OLD_FIRST, NEW_FIRST],
    ["a new rule's record, where the old rule still comes first", NEW_FIRST, OLD_FIRST],
    ["a new rule's record, once the old rule is gone", NEW_FIRST, NEW],
  ])("matches %s", async (_name, writer, reader) => {
    const { peer } = guarded();
    const first = peer(undefined, writer);
    const second = peer(undefined, reader);
    const handler = vi.fn();
    await first.dedup.process(paid(1), handler);
    expect((await second.dedup.process(paid(1), handler)).outcome).toBe("duplicate");
    await expect(second.dedup.process(paid(2), handler)).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CONFLICT",
    });
    expect(handler).toHaveBeenCalledTimes(1);
    expect(second.observer.names()).toEqual(["duplicate", "conflict"]);
  });

  it("makes conflicts of all duplicates where the rule is changed in one step", async () => {
    const { dedup, peer } = guarded(OLD);
    await dedup.process(paid(1), vi.fn());
    const changed = peer(undefined, NEW).dedup;
    await expect(changed.process(paid(1), vi.fn())).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CONFLICT",
    });
  });

  it("replays the result that was stored under the old rule", async () => {
    const { dedup, peer } = guarded(OLD);
    const replay = jsonCodec<string>();
    await dedup.process(paid(1), () => "receipt-1", { replay });
    const changed = peer(undefined, NEW_FIRST).dedup;
    expect(await changed.process(paid(1), () => "receipt-2", { replay })).toEqual({
      outcome: "duplicate",
      value: "receipt-1",
    });
  });

  it("is asked about rule by rule with one token, and only where there would be a conflict", async () => {
    const { store, peer } = guarded();
    await peer(undefined, OLD).dedup.process(paid(1), vi.fn());
    const third: KeyStrategy = () => "another rule";
    const { sent, wrap } = beforeClaim(0, async () => undefined);
    const { dedup } = peer(wrap, { fingerprint: [byAll, third, byAmount] });
    await dedup.process(payment("p2"), vi.fn());
    expect(sent).toHaveLength(1);
    await dedup.process(payment("p2"), vi.fn());
    expect(sent).toHaveLength(2);
    await dedup.process(paid(1), vi.fn());
    const asked = sent.slice(2);
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ token }) => token)).size).toBe(1);
    expect(new Set(asked.map(({ fingerprint }) => fingerprint)).size).toBe(3);
    expect(await store.inspect(asked[0]?.key ?? "")).toMatchObject({ state: "completed" });
  });

  it("is completed with the current fingerprint when the record vanished between two questions", async () => {
    const { peer } = guarded();
    await peer(undefined, OLD).dedup.process(paid(1), vi.fn());
    const lost = beforeClaim(2, (store) => store.forget(lost.sent[0]?.key ?? ""));
    const { dedup } = peer(lost.wrap, NEW_FIRST);
    expect((await dedup.process(paid(1), vi.fn())).outcome).toBe("processed");
    expect((await peer(undefined, NEW).dedup.process(paid(1), vi.fn())).outcome).toBe("duplicate");
    await expect(peer(undefined, OLD).dedup.process(paid(1), vi.fn())).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CONFLICT",
    });
  });

  it("waits, and asks by the current rule again, when somebody else claims between two questions", async () => {
    const { clock, peer } = guarded();
    await peer(undefined, OLD).dedup.process(paid(1), vi.fn());
    const work = new Work();
    const other = peer(undefined, NEW_FIRST);
    const taken = beforeClaim(2, async (store) => {
      await store.forget(taken.sent[0]?.key ?? "");
      void other.dedup.process(paid(1), work.handler);
      await soon(() => work.runs.length === 1);
    });
    const { dedup, observer } = peer(taken.wrap, NEW_FIRST);
    const handler = vi.fn();
    const waiting = dedup.process(paid(1), handler);
    await soon(() => taken.answers.at(-1)?.status === "busy");
    await clock.advance(0);
    work.run(0).resolve();
    await soon(() => other.observer.names().length === 1);
    await clock.advance(500);
    expect((await waiting).outcome).toBe("duplicate");
    expect(taken.sent.map(({ fingerprint }) => fingerprint === taken.sent[0]?.fingerprint)).toEqual(
      [true, false, true],
    );
    expect(handler).not.toHaveBeenCalled();
    expect(observer.names()).toEqual(["duplicate"]);
  });

  it("is a duplicate where somebody else completed it by the current rule between two questions", async () => {
    const { clock, peer } = guarded();
    await peer(undefined, OLD).dedup.process(paid(1), vi.fn());
    await clock.advance(10);
    const other = peer(undefined, NEW_FIRST).dedup;
    const done = beforeClaim(2, async (store) => {
      await store.forget(done.sent[0]?.key ?? "");
      await other.process(paid(1), vi.fn());
    });
    const handler = vi.fn();
    expect((await peer(done.wrap, NEW_FIRST).dedup.process(paid(1), handler)).outcome).toBe(
      "duplicate",
    );
    expect(handler).not.toHaveBeenCalled();
  });

  it("is reported as duplicate, not as conflict, in shadow mode", async () => {
    const { dedup, peer } = guarded(OLD);
    await dedup.process(paid(1), vi.fn());
    const { dedup: shadow, observer } = peer(undefined, { ...NEW_FIRST, mode: "shadow" });
    const handler = vi.fn();
    await shadow.process(paid(1), handler);
    await shadow.process(paid(2), handler);
    expect(handler).toHaveBeenCalledTimes(2);
    expect(observer.names()).toEqual(["duplicate:shadow", "conflict:shadow"]);
  });

  it("is left for the run where messages are claimed ahead", async () => {
    const { dedup, peer } = guarded(OLD);
    await dedup.process(paid(1), vi.fn());
    const { dedup: ahead, observer } = peer(undefined, NEW_FIRST);
    const tickets = await claimAll(ahead, [paid(1), payment("p2"), paid(2)], {
      deadLetter: "reject",
    });
    expect(tickets.map(({ status }) => status)).toEqual(["later", "run", "later"]);
    const handler = vi.fn();
    const verdicts = [];
    for (const ticket of tickets) verdicts.push(await ticket.run(handler));
    expect(verdicts).toMatchObject([
      { outcome: "duplicate", settlement: "ack" },
      { outcome: "processed", settlement: "ack" },
      { outcome: "conflict", settlement: "reject" },
    ]);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(observer.names()).toEqual(["duplicate", "processed", "conflict"]);
  });

  it("never fails open once the store has said that the key is completed", async () => {
    const { dedup, clock, peer } = guarded(OLD);
    await dedup.process(paid(1), vi.fn());
    let faulty: FaultyStore | undefined;
    const wrap = (store: Store): Store => {
      faulty = new FaultyStore(store, clock);
      return faulty;
    };
    const { dedup: open } = peer(wrap, { ...NEW_FIRST, onStoreDown: "process" });
    faulty?.next("claim", undefined, ...Array(50).fill({ kind: "fail", when: "before" }));
    const handler = vi.fn();
    const verdict = attend(open, paid(1), handler, { storeWaitMs: 1_000 });
    await clock.advance(5_000);
    expect(await verdict).toMatchObject({ outcome: "store_error", settlement: "retry" });
    expect(handler).not.toHaveBeenCalled();
    faulty?.restore();
    expect((await open.process(paid(1), handler)).outcome).toBe("duplicate");
  });

  it("asks again when the answer to a further question is lost", async () => {
    const { dedup, clock, peer } = guarded(OLD);
    await dedup.process(paid(1), vi.fn());
    let faulty: FaultyStore | undefined;
    const wrap = (store: Store): Store => {
      faulty = new FaultyStore(store, clock);
      return faulty;
    };
    const { dedup: next } = peer(wrap, NEW_FIRST);
    faulty?.next("claim", undefined, { kind: "fail", when: "after" });
    const answer = next.process(paid(1), vi.fn());
    await clock.advance(1_000);
    expect((await answer).outcome).toBe("duplicate");
  });

  it("is seen by isDuplicate, which remembers nothing under an old rule", async () => {
    const { dedup, peer } = guarded(OLD);
    await dedup.isDuplicate(paid(1));
    const { dedup: next } = peer(undefined, NEW_FIRST);
    expect(await next.isDuplicate(paid(1))).toBe(true);
    await expect(next.isDuplicate(paid(2))).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CONFLICT",
    });
    const lost = beforeClaim(1, (store) => store.forget(lost.sent[0]?.key ?? ""));
    expect(await peer(lost.wrap, NEW_FIRST).dedup.isDuplicate(paid(1))).toBe(false);
    expect(await peer(undefined, NEW).dedup.isDuplicate(paid(1))).toBe(true);
    await expect(dedup.isDuplicate(paid(1))).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CONFLICT",
    });
  });

  it("counts a key that is claimed between two questions of isDuplicate as duplicate", async () => {
    const { dedup, peer } = guarded(OLD);
    await dedup.isDuplicate(paid(1));
    const other = peer(undefined, NEW_FIRST).dedup;
    const work = new Work();
    const taken = beforeClaim(1, async (store) => {
      await store.forget(taken.sent[0]?.key ?? "");
      void other.process(paid(1), work.handler);
      await soon(() => work.runs.length === 1);
    });
    expect(await peer(taken.wrap, NEW_FIRST).dedup.isDuplicate(paid(1))).toBe(true);
    work.run(0).resolve();
  });

  it("leaves out a further rule that throws or finds nothing: without a fingerprint every record would match", async () => {
    const { dedup, peer } = guarded(OLD);
    await dedup.process(paid(1), vi.fn());
    const broken: KeyStrategy = () => {
      throw new Error("no such field");
    };
    const nothing: KeyStrategy = () => undefined;
    const { dedup: next, observer } = peer(undefined, { fingerprint: [byAll, broken, nothing] });
    await expect(next.process(paid(1), vi.fn())).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CONFLICT",
    });
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["fingerprint_failed"]);
  });
});
