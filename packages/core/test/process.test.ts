import { describe, expect, it, vi } from "vitest";
import { attend } from "../src/adapter.js";
import { header, jsonCodec, OnlyOnceError, PermanentError } from "../src/index.js";
import { guarded, payment, Work, watch } from "./guarded.js";

describe("a message", () => {
  it("behaviour 1: runs the handler once and is remembered", async () => {
    const { dedup, observer } = guarded();
    const handler = vi.fn(() => "charged");
    expect(await dedup.process(payment("p1"), handler)).toEqual({
      outcome: "processed",
      value: "charged",
    });
    expect(handler).toHaveBeenCalledTimes(1);
    expect(await dedup.inspect(payment("p1"))).toMatchObject({ state: "completed" });
    expect(observer.names()).toEqual(["processed"]);
  });

  it("behaviours 2 and 5: a thousand duplicates of a completed key are all dropped", async () => {
    const { dedup, observer } = guarded();
    const handler = vi.fn();
    await dedup.process(payment("p1"), handler);
    for (let copy = 0; copy < 1_000; copy += 1) {
      expect((await dedup.process(payment("p1"), handler)).outcome).toBe("duplicate");
    }
    expect(handler).toHaveBeenCalledTimes(1);
    expect(observer.count("duplicate")).toBe(1_000);
  });

  it("behaviour 3: fifty concurrent copies in one process make one run and 49 duplicates", async () => {
    const { dedup, observer, clock } = guarded();
    const work = new Work();
    const copies = Array.from({ length: 50 }, () => dedup.process(payment("p1"), work.handler));
    await clock.advance(100);
    work.run(0).resolve();
    const outcomes = (await Promise.all(copies)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "processed")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "duplicate")).toHaveLength(49);
    expect(work.runs).toHaveLength(1);
    expect(observer.outcomes).toHaveLength(50);
  });

  it("behaviour 4: six copies of one payload and two of another run twice", async () => {
    const { dedup } = guarded();
    const handler = vi.fn();
    for (const id of ["a", "a", "b", "a", "a", "b", "a", "a"])
      await dedup.process(payment(id), handler);
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("behaviours 6 and 7: a duplicate leaves owner, origin and expiry of the original untouched", async () => {
    const { dedup, clock } = guarded();
    await dedup.process(payment("p1", { coordinates: "first" }), () => 1);
    await clock.advance(10_000);
    const before = await dedup.inspect(payment("p1"));
    await dedup.process(payment("p1", { coordinates: "second" }), () => 2);
    const after = await dedup.inspect(payment("p1"));
    expect(after).toEqual(before);
    expect(after?.expiresInMs).toBe(50_000);
    expect(after?.origin.coordinates).toBe("first");
  });

  it("behaviour 8: keys that are identical in their first 64 bytes do not meet", async () => {
    const { dedup } = guarded();
    const handler = vi.fn();
    await dedup.process(payment(`${"x".repeat(64)}1`), handler);
    await dedup.process(payment(`${"x".repeat(64)}2`), handler);
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("behaviour 9: the same id on two topics is two messages", async () => {
    const { dedup } = guarded();
    const handler = vi.fn();
    await dedup.process(payment("p1"), handler);
    await dedup.process(payment("p1", { topic: "refunds" }), handler);
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("behaviour 16: a handler that mutates the message completes the key that was claimed", async () => {
    const { dedup } = guarded();
    const delivery = { topic: "payments", id: "p1" };
    await dedup.process(delivery, () => {
      delivery.id = "p2";
    });
    expect(await dedup.inspect(payment("p1"))).toMatchObject({ state: "completed" });
    expect(await dedup.inspect(payment("p2"))).toBeUndefined();
  });

  it("gets the same idempotency key on every attempt, and another one elsewhere", async () => {
    const { dedup, peer } = guarded();
    const keys: string[] = [];
    const failing = (context: { readonly idempotencyKey: string }): never => {
      keys.push(context.idempotencyKey);
      throw new Error("declined");
    };
    await expect(dedup.process(payment("p1"), failing)).rejects.toThrow("declined");
    await expect(peer().dedup.process(payment("p1"), failing)).rejects.toThrow("declined");
    await expect(dedup.process(payment("p2"), failing)).rejects.toThrow("declined");
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });
});

describe("a handler that fails", () => {
  it("behaviour 21: releases the claim, surfaces its own error, and the next delivery runs", async () => {
    const { dedup, observer } = guarded();
    const declined = new Error("declined");
    const attempts: number[] = [];
    await expect(
      dedup.process(payment("p1"), ({ attempt }) => {
        attempts.push(attempt);
        throw declined;
      }),
    ).rejects.toBe(declined);
    await dedup.process(payment("p1"), ({ attempt }) => attempts.push(attempt));
    expect(attempts).toEqual([1, 2]);
    expect(observer.names()).toEqual(["failed", "processed"]);
  });

  it("is poison when its attempts are used up: rejected with its error, reported, and reset for a re-drive", async () => {
    const { dedup, observer } = guarded({ maxAttempts: 2 });
    const failing = (): never => {
      throw new Error("declined");
    };
    await expect(dedup.process(payment("p1"), failing)).rejects.toThrow("declined");
    await expect(dedup.process(payment("p1"), failing)).rejects.toThrow("declined");
    expect(observer.names()).toEqual(["failed", "failed:poison"]);
    expect(await dedup.inspect(payment("p1"))).toMatchObject({ state: "failed", attempt: 0 });
    const redriven = await dedup.process(payment("p1"), ({ attempt }) => attempt);
    expect(redriven).toEqual({ outcome: "processed", value: 1 });
  });

  it("behaviour 24: with a PermanentError is poison at once, and a re-drive runs", async () => {
    const { dedup, observer } = guarded();
    const letters: unknown[] = [];
    const invalid = new PermanentError("no such account");
    const deadLetter = async (why: unknown): Promise<void> => {
      letters.push(why);
    };
    const failing = (): never => {
      throw invalid;
    };
    await expect(dedup.process(payment("p1"), failing, { deadLetter })).rejects.toBe(invalid);
    expect(letters).toEqual([{ error: invalid, attempt: 1 }]);
    expect(observer.names()).toEqual(["failed:poison"]);
    const redriven = await dedup.process(payment("p1"), ({ attempt }) => attempt);
    expect(redriven).toEqual({ outcome: "processed", value: 1 });
  });

  it("whose dead letter cannot be written keeps its attempts and is handed back", async () => {
    const { dedup, observer } = guarded({ maxAttempts: 1 });
    const options = {
      deadLetter: (): Promise<void> => Promise.reject(new Error("no route")),
    };
    const failing = (): never => {
      throw new Error("declined");
    };
    await expect(dedup.process(payment("p1"), failing, options)).rejects.toThrow("declined");
    expect(observer.names()).toEqual(["failed"]);
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["dead_letter_failed"]);
    expect(await dedup.inspect(payment("p1"))).toMatchObject({ state: "failed", attempt: 1 });
    const handler = vi.fn();
    const again = dedup.process(payment("p1"), handler);
    await expect(again).rejects.toMatchObject({ code: "ERR_ONLYONCE_POISON", retriable: false });
    expect(handler).not.toHaveBeenCalled();
  });

  it("without a dead-letter target is handed back for ever and never dropped", async () => {
    const { dedup, observer } = guarded({ maxAttempts: 2 });
    let runs = 0;
    const failing = (): never => {
      runs += 1;
      throw new Error("declined");
    };
    for (let delivery = 0; delivery < 5; delivery += 1) {
      const verdict = await attend(dedup, payment("p1"), failing);
      expect(verdict.settlement).toBe("retry");
      expect(verdict.reason).toBe(delivery === 0 ? "failed" : "poison");
    }
    expect(runs).toBe(5);
    expect(observer.count("failed", "poison")).toBe(0);
    expect(observer.incidents.every(({ kind }) => kind === "dead_letter_missing")).toBe(true);
  });
});

describe("behaviour 25: a handler that skips", () => {
  it("settles the message and leaves nothing remembered and no attempt counted", async () => {
    const { dedup, observer } = guarded();
    const first = await dedup.process(payment("p1"), ({ skip }) => skip());
    expect(first).toMatchObject({ outcome: "processed", detail: "skipped" });
    const second = await dedup.process(payment("p1"), ({ attempt }) => attempt);
    expect(second).toEqual({ outcome: "processed", value: 1 });
    expect(observer.names()).toEqual(["processed:skipped", "processed"]);
  });
});

describe("behaviour 53: a message that has expired", () => {
  it("is settled unprocessed and counted when its handler skips it", async () => {
    const { dedup, observer } = guarded();
    const expired = payment("p1", { headers: { "expires-at": "2000-01-01T00:00:00Z" } });
    const charged = vi.fn();
    await dedup.process(expired, ({ skip }) => {
      if (Date.parse(String(expired.headers?.["expires-at"])) < Date.now()) skip();
      else charged();
    });
    expect(charged).not.toHaveBeenCalled();
    expect(observer.names()).toEqual(["processed:skipped"]);
  });
});

describe("behaviour 14: a delivery without a message key", () => {
  const nameless = { topic: "payments", payload: "hello" };

  it("runs unprotected by default, each time", async () => {
    const { dedup, observer } = guarded();
    const handler = vi.fn();
    await dedup.process(nameless, handler);
    await dedup.process(nameless, handler);
    expect(handler).toHaveBeenCalledTimes(2);
    expect(observer.names()).toEqual(["unprotected:key_missing", "unprotected:key_missing"]);
  });

  it("is dead-lettered without running where missing keys are rejected", async () => {
    const { dedup, observer } = guarded({ onMissingKey: "reject" });
    const handler = vi.fn();
    await expect(dedup.process(nameless, handler)).rejects.toMatchObject({
      code: "ERR_ONLYONCE_KEY_MISSING",
      retriable: false,
    });
    expect(handler).not.toHaveBeenCalled();
    expect(observer.names()).toEqual(["failed:key_missing"]);
  });

  it("behaviour 15: a key strategy that throws counts as no key, and its error is the cause", async () => {
    const broken = new Error("no such field");
    const { dedup } = guarded({
      onMissingKey: "reject",
      key: () => {
        throw broken;
      },
    });
    await expect(dedup.process(payment("p1"), vi.fn())).rejects.toMatchObject({ cause: broken });
  });

  it("without a target is handed back and never dropped", async () => {
    const { dedup } = guarded({ onMissingKey: "reject" });
    const verdict = await attend(dedup, nameless, vi.fn());
    expect(verdict).toMatchObject({ outcome: "failed", settlement: "retry", reason: "poison" });
  });
});

describe("behaviour 10: two handlers in one process", () => {
  it("each run once for one message under scopes of their own", async () => {
    const one = guarded();
    const { createDeduplicatorWith } = await import("../src/internal.js");
    const mail = createDeduplicatorWith({ store: one.store, scope: "mail" }, one.clock);
    const handler = vi.fn();
    await one.dedup.process(payment("p1"), handler);
    await mail.process(payment("p1"), handler);
    await mail.process(payment("p1"), handler);
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("behaviour 93: keep their own policies on one store", async () => {
    const one = guarded({ windowMs: 30_000 });
    const other = one.peer();
    await one.dedup.process(payment("p1"), vi.fn());
    expect((await other.dedup.inspect(payment("p1")))?.expiresInMs).toBe(30_000);
  });

  it("behaviour 11: the same id of two tenants does not suppress either", async () => {
    const { dedup } = guarded({
      key: ({ id, headers }) => [String(headers?.tenant), id ?? null],
    });
    const handler = vi.fn();
    await dedup.process(payment("p1", { headers: { tenant: "a" } }), handler);
    await dedup.process(payment("p1", { headers: { tenant: "b" } }), handler);
    await dedup.process(payment("p1", { headers: { tenant: "b" } }), handler);
    expect(handler).toHaveBeenCalledTimes(2);
  });
});

describe("behaviours 47 and 48: the window", () => {
  it("drops a duplicate until its end and runs the message after it", async () => {
    const { dedup, clock } = guarded({ windowMs: 60_000 });
    const handler = vi.fn();
    await dedup.process(payment("p1"), handler);
    await clock.advance(59_999);
    expect((await dedup.process(payment("p1"), handler)).outcome).toBe("duplicate");
    await clock.advance(1);
    expect((await dedup.process(payment("p1"), handler)).outcome).toBe("processed");
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("behaviour 52: is the memory's after completion, not what was left of the lease", async () => {
    const { dedup, clock } = guarded({ windowMs: 60_000, leaseMs: 3_000 });
    await dedup.process(payment("p1"), async () => {
      await clock.advance(2_000);
      expect((await dedup.inspect(payment("p1")))?.state).toBe("claimed");
    });
    expect((await dedup.inspect(payment("p1")))?.expiresInMs).toBe(60_000);
  });

  it("behaviour 51: of a record written under a longer configuration is honoured after a redeploy", async () => {
    const { dedup, clock, peer } = guarded({ windowMs: 60_000 });
    await dedup.process(payment("p1"), vi.fn());
    const redeployed = peer(undefined, { windowMs: 20_000 }).dedup;
    await clock.advance(50_000);
    expect((await redeployed.process(payment("p1"), vi.fn())).outcome).toBe("duplicate");
    expect((await redeployed.inspect(payment("p1")))?.expiresInMs).toBe(10_000);
  });

  it("behaviour 49: of a message comes from the function; an invalid one is counted and the topic's is used", async () => {
    const { dedup, observer } = guarded({
      windowMs: ({ headers }) => headers?.window as number | undefined,
    });
    await dedup.process(payment("p1", { headers: { window: 30_000 } }), vi.fn());
    await dedup.process(payment("p2", { headers: { window: -1 } }), vi.fn());
    await dedup.process(payment("p3"), vi.fn());
    expect((await dedup.inspect(payment("p1")))?.expiresInMs).toBe(30_000);
    expect((await dedup.inspect(payment("p2")))?.expiresInMs).toBe(86_400_000);
    expect((await dedup.inspect(payment("p3")))?.expiresInMs).toBe(86_400_000);
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["window_invalid"]);
  });
});

describe("modes", () => {
  it("behaviour 91: off passes through without the store", async () => {
    const forbidden = (): never => {
      throw new Error("the store was asked");
    };
    const { dedup, observer } = guarded({ mode: "off" }, (store) => ({
      claim: forbidden,
      remember: forbidden,
      start: forbidden,
      renew: forbidden,
      complete: forbidden,
      release: forbidden,
      inspect: forbidden,
      forget: forbidden,
      check: forbidden,
      onFinding: forbidden,
      close: () => store.close(),
    }));
    expect(await dedup.process(payment("p1"), () => "ran")).toEqual({
      outcome: "unprotected",
      detail: "off",
      value: "ran",
    });
    expect(observer.names()).toEqual(["unprotected:off"]);
  });

  it("shadow runs everything and reports what it would have dropped", async () => {
    const { dedup, observer } = guarded({ mode: "shadow" });
    const handler = vi.fn(() => "ran");
    await dedup.process(payment("p1"), handler);
    expect(await dedup.process(payment("p1"), handler)).toMatchObject({ value: "ran" });
    expect(handler).toHaveBeenCalledTimes(2);
    expect(observer.names()).toEqual(["processed", "duplicate:shadow"]);
  });

  it("a function is asked per delivery, and one that throws leaves the guard on", async () => {
    let answer: () => "off" | "enforce" = () => "off";
    const { dedup, observer } = guarded({ mode: () => answer() });
    await dedup.process(payment("p1"), vi.fn());
    answer = () => "enforce";
    await dedup.process(payment("p1"), vi.fn());
    answer = () => {
      throw new Error("flag service down");
    };
    await dedup.process(payment("p1"), vi.fn());
    expect(observer.names()).toEqual(["unprotected:off", "processed", "duplicate"]);
  });
});

describe("a payload that differs from the first one with the same key", () => {
  it("behaviour 19: is a conflict: not run, not retriable, reported, and never replayed", async () => {
    const { dedup, observer } = guarded({ fingerprint: ({ payload }) => payload });
    await dedup.process(payment("p1", { payload: { amount: 1 } }), vi.fn());
    const handler = vi.fn();
    const conflicting = dedup.process(payment("p1", { payload: { amount: 2 } }), handler);
    await expect(conflicting).rejects.toMatchObject({
      code: "ERR_ONLYONCE_CONFLICT",
      retriable: false,
    });
    expect(handler).not.toHaveBeenCalled();
    expect((await dedup.process(payment("p1", { payload: { amount: 1 } }), handler)).outcome).toBe(
      "duplicate",
    );
    expect(observer.names()).toEqual(["processed", "conflict", "duplicate"]);
  });

  it("is still guarded by its key when the fingerprint can't be had, and that is reported", async () => {
    const { dedup, observer } = guarded({
      fingerprint: () => {
        throw new Error("no such field");
      },
    });
    await dedup.process(payment("p1"), vi.fn());
    expect((await dedup.process(payment("p1"), vi.fn())).outcome).toBe("duplicate");
    expect(observer.incidents.map(({ kind }) => kind)).toEqual([
      "fingerprint_failed",
      "fingerprint_failed",
    ]);
  });

  it("may run after a failure: only completed records are compared", async () => {
    const { dedup } = guarded({ fingerprint: ({ payload }) => payload });
    const failing = (): never => {
      throw new Error("bad amount");
    };
    await expect(
      dedup.process(payment("p1", { payload: { amount: -1 } }), failing),
    ).rejects.toThrow();
    const corrected = await dedup.process(
      payment("p1", { payload: { amount: 1 } }),
      () => "charged",
    );
    expect(corrected.outcome).toBe("processed");
  });
});

describe("isDuplicate, inspect and forget", () => {
  it("isDuplicate checks and remembers at once", async () => {
    const { dedup } = guarded();
    expect(await dedup.isDuplicate(payment("i1"))).toBe(false);
    expect(await dedup.isDuplicate(payment("i1"))).toBe(true);
  });

  it("a live claim counts as duplicate", async () => {
    const { dedup, clock } = guarded();
    const work = new Work();
    const running = dedup.process(payment("i1"), work.handler);
    await clock.advance(0);
    expect(await dedup.isDuplicate(payment("i1"))).toBe(true);
    work.run(0).resolve();
    expect((await running).outcome).toBe("processed");
  });

  it("forget lets a message run again, but never frees a live claim", async () => {
    const { dedup, clock } = guarded();
    const work = new Work();
    const running = dedup.process(payment("p1"), work.handler);
    await clock.advance(0);
    expect(await dedup.forget(payment("p1"))).toBe(false);
    work.run(0).resolve();
    await running;
    expect(await dedup.forget(payment("p1"))).toBe(true);
    expect((await dedup.process(payment("p1"), vi.fn())).outcome).toBe("processed");
  });

  it("forget removes only what was seen", async () => {
    const { dedup } = guarded();
    const failing = (): never => {
      throw new Error("declined");
    };
    await expect(dedup.process(payment("p1"), failing)).rejects.toThrow();
    const seen = await dedup.inspect(payment("p1"));
    await dedup.process(payment("p1"), vi.fn());
    expect(await dedup.forget(payment("p1"), seen)).toBe(false);
    expect(await dedup.inspect(payment("p1"))).toMatchObject({ state: "completed" });
  });

  it("reject for a delivery without a key", async () => {
    const { dedup } = guarded({ key: header("missing") });
    const calls = [
      () => dedup.isDuplicate(payment("p1")),
      () => dedup.inspect(payment("p1")),
      () => dedup.forget(payment("p1")),
    ];
    for (const call of calls) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(OnlyOnceError.is(error) && error.code).toBe("ERR_ONLYONCE_KEY_MISSING");
    }
  });
});

describe("an original's result", () => {
  it("is given to a duplicate through the codec", async () => {
    const { dedup } = guarded();
    const replay = jsonCodec<{ receipt: string }>();
    const first = await dedup.process(payment("p1"), () => ({ receipt: "r1" }), { replay });
    const second = await dedup.process(payment("p1"), () => ({ receipt: "r2" }), { replay });
    expect(first).toEqual({ outcome: "processed", value: { receipt: "r1" } });
    expect(second).toEqual({ outcome: "duplicate", value: { receipt: "r1" } });
  });

  it("behaviour 27: that can't be serialised is reported, and the message is processed all the same", async () => {
    const { dedup, observer } = guarded();
    const replay = jsonCodec<never>();
    const first = await dedup.process(payment("p1"), () => 10n as never, { replay });
    expect(first.outcome).toBe("processed");
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["result_not_stored"]);
    expect((await dedup.process(payment("p1"), vi.fn(), { replay })).outcome).toBe("duplicate");
  });

  it("behaviour 27: that is too large is reported, and the message is processed all the same", async () => {
    const { dedup, observer } = guarded();
    const replay = jsonCodec<string>({ maxBytes: 5 });
    const first = await dedup.process(payment("p1"), () => "far too long", { replay });
    expect(first).toEqual({ outcome: "processed", value: "far too long" });
    expect(observer.incidents.map(({ kind }) => kind)).toEqual(["result_not_stored"]);
    const second = await dedup.process(payment("p1"), () => "again", { replay });
    expect(second).toEqual({ outcome: "duplicate", value: undefined });
  });
});

it("a waiting copy is watched without being settled early", async () => {
  const { dedup, clock } = guarded();
  const work = new Work();
  const running = watch(dedup.process(payment("p1"), work.handler));
  const waiting = watch(dedup.process(payment("p1"), work.handler));
  await clock.advance(1_000);
  expect([running.state(), waiting.state()]).toEqual(["pending", "pending"]);
  work.run(0).resolve();
  await clock.advance(300);
  expect([running.state(), waiting.state()]).toEqual(["resolved", "resolved"]);
});

describe("a call that can't be right", () => {
  it.each<[unknown, unknown, string]>([
    [undefined, vi.fn(), "delivery must be an object, got undefined"],
    [{ id: "p1" }, vi.fn(), "delivery.topic must be a non-empty string, got undefined"],
    [{ topic: "" }, vi.fn(), 'delivery.topic must be a non-empty string, got ""'],
    [payment("p1"), "charge", 'handler must be a function, got "charge"'],
  ])("rejects before any I/O: %j", async (delivery, handler, message) => {
    const { dedup, observer } = guarded();
    await expect(dedup.process(delivery as never, handler as never)).rejects.toThrow(message);
    expect(observer.names()).toEqual([]);
  });
});
