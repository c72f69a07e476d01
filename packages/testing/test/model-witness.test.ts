import type { KeyRecord } from "@onlyonce/core";
import { describe, expect, it } from "vitest";
import type { Answered } from "../src/model-key.js";
import { ModelWitness } from "../src/model-witness.js";

const REQUEST = { key: "k", leaseMs: 100, windowMs: 1_000, origin: {} };

function at(ms: number): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: ms, toMs: ms };
}

function claimed(token: string, grant: number): Answered {
  const reply = { status: "acquired", grant, attempt: 1, suspect: false };
  return { verb: "claim", request: { ...REQUEST, token }, reply };
}

function owners(
  verb: "start" | "renew" | "complete" | "release",
  token: string,
  reply: string,
): Answered {
  const as = verb === "release" ? { as: "failed" as const } : {};
  return { verb, request: { ...REQUEST, token, grant: 1, ...as }, reply };
}

function record(state: KeyRecord["state"], more: Partial<KeyRecord> = {}): KeyRecord {
  const attempt = state === "completed" ? {} : { attempt: 0 };
  return { state, ...attempt, origin: {}, expiresInMs: 1_000, revision: `${state} 1`, ...more };
}

/** A live claim of A, granted and seen at 0 ms. */
function held(): ModelWitness {
  const witness = new ModelWitness();
  witness.heard(claimed("A", 1), at(0));
  witness.saw(record("claimed"), at(0));
  return witness;
}

/** What A completed, seen at 0 ms. */
function done(): ModelWitness {
  const witness = held();
  witness.heard(owners("complete", "A", "ok"), at(0));
  witness.saw(record("completed"), at(0));
  return witness;
}

describe("the promises that are kept whatever the table says", () => {
  it("at most one holder: a second grant of a live claim is noticed, one after its lapse is not", () => {
    expect(() => held().heard(claimed("B", 2), at(99))).toThrow(
      "two hold one key: A (grant 1) and B (grant 2)",
    );
    expect(() => held().heard(claimed("A", 2), at(99))).toThrow("two hold one key");
    held().heard(claimed("B", 2), at(100));
  });

  it.each(["start", "renew"] as const)("%s keeps its owner in possession", (verb) => {
    const witness = held();
    witness.heard(owners(verb, "A", "ok"), at(50));
    expect(() => witness.heard(claimed("B", 2), at(149))).toThrow("two hold one key");
  });

  it.each(["release", "complete"] as const)("%s ends it", (verb) => {
    const witness = held();
    witness.heard(owners(verb, "A", "ok"), at(50));
    witness.heard(claimed("B", 2), at(50));
  });

  it("a completed record changes in nothing until it expires", () => {
    for (const [changed, complaint] of [
      [undefined, "it is gone"],
      [record("claimed"), "it is claimed"],
      [record("completed", { revision: "other", expiresInMs: 990 }), "its revision is another"],
      [record("completed", { origin: { coordinates: "c" } }), "its coordinates are others"],
      [record("completed", { origin: { traceparent: "t" } }), "its traceparent is another"],
      [record("completed", { expiresInMs: 1_000 }), "it expires at another time"],
    ] as const) {
      expect(() => done().saw(changed, at(10))).toThrow(`a completed record changed: ${complaint}`);
    }
    done().saw(record("completed", { expiresInMs: 990 }), at(10));
    done().saw(undefined, at(1_000));
  });

  it("a completed record may go when it is forgotten or lost", () => {
    const forgotten = done();
    forgotten.heard({ verb: "forget", seen: undefined, reply: true }, at(10));
    forgotten.saw(undefined, at(10));
    const lost = done();
    lost.lost();
    lost.saw(undefined, at(10));
  });

  it("a live claim is never forgotten", () => {
    const forget: Answered = { verb: "forget", seen: undefined, reply: true };
    expect(() => held().heard(forget, at(99))).toThrow("a live claim was forgotten");
    held().heard(forget, at(100));
  });

  it("nobody but its owner changes a live claim, unless the work is done", () => {
    const changes = [
      record("claimed", { attempt: 1, expiresInMs: 990 }),
      record("claimed", { expiresInMs: 1_000 }),
      record("failed", { expiresInMs: 990 }),
      undefined,
    ];
    for (const verb of ["start", "renew", "release"] as const) {
      for (const changed of changes) {
        const witness = held();
        witness.heard(owners(verb, "B", "lost"), at(10));
        expect(() => witness.saw(changed, at(10))).toThrow("the live claim of A was changed");
      }
      const own = held();
      own.heard(owners(verb, "A", "ok"), at(10));
      own.saw(record("claimed", { attempt: verb === "renew" ? 0 : 1 }), at(10));
    }
    const completed = held();
    completed.heard(owners("complete", "B", "stolen"), at(10));
    completed.saw(record("completed"), at(10));
  });

  it("the owner's own call under an earlier grant changes nothing either", () => {
    const witness = new ModelWitness();
    witness.heard(claimed("A", 3), at(0));
    witness.saw(record("claimed"), at(0));
    witness.heard(owners("renew", "A", "lost"), at(10));
    expect(() => witness.saw(record("claimed"), at(10))).toThrow("it expires at another time");
  });

  it("attempts are never negative, and grow by failures and marked starts only", () => {
    expect(() => held().saw(record("claimed", { attempt: -1 }), at(100))).toThrow(
      "attempts are -1",
    );
    expect(() => held().saw(record("claimed", { attempt: 1 }), at(100))).toThrow(
      "attempts rose from 0 to 1 over 0 starts and failures",
    );
    const witness = held();
    witness.heard(owners("start", "A", "ok"), at(10));
    witness.saw(record("claimed", { attempt: 1 }), at(10));
    witness.heard(owners("release", "A", "ok"), at(20));
    expect(() => witness.saw(record("failed", { attempt: 3 }), at(20))).toThrow(
      "attempts rose from 1 to 3 over 1 starts and failures",
    );
  });
});
