import { FaultyStore } from "@onlyonce/testing";
import { describe, expect, it } from "vitest";
import { claimAll } from "../src/attend.js";
import type { Arrival, Deduplicator, Observer, Store, StoreCall } from "../src/index.js";
import { memoryStore } from "../src/index.js";
import { createDeduplicatorWith } from "../src/internal.js";
import { guarded, payment } from "./guarded.js";

/** Writes down every call, with the arrival that it is about. */
class Witness implements Observer {
  readonly seen: { readonly call: string; readonly arrival: Arrival | undefined }[] = [];
  readonly calls: StoreCall[] = [];
  listens = true;

  around<Result>(_delivery: unknown, next: () => Promise<Result>, arrival: Arrival) {
    this.#note("around", arrival);
    return next();
  }

  traceparent(arrival?: Arrival): undefined {
    this.#note("traceparent", arrival);
  }

  claim({ result }: { readonly result: string }, arrival: Arrival): void {
    this.#note(`claim ${result}`, arrival);
  }

  handlerStarted(arrival: Arrival): void {
    this.#note("handlerStarted", arrival);
  }

  handlerEnded(arrival: Arrival): void {
    this.#note("handlerEnded", arrival);
  }

  outcome({ outcome }: { readonly outcome: string }, arrival: Arrival): void {
    this.#note(`outcome ${outcome}`, arrival);
  }

  left(arrival: Arrival): void {
    this.#note("left", arrival);
  }

  get storeCall(): ((call: StoreCall) => void) | undefined {
    return this.listens ? (call) => void this.calls.push(call) : undefined;
  }

  /** What was told, arrival by arrival. */
  stories(): readonly string[] {
    const arrivals = [...new Set(this.seen.map(({ arrival }) => arrival))];
    return arrivals.map((one) =>
      this.seen
        .filter(({ call, arrival }) => arrival === one && call !== "traceparent")
        .map(({ call }) => call)
        .join(", "),
    );
  }

  #note(call: string, arrival: Arrival | undefined): void {
    this.seen.push({ call, arrival });
  }
}

function witnessed(wrap: (store: Store) => Store = (store) => store): {
  readonly dedup: Deduplicator;
  readonly witness: Witness;
} {
  const witness = new Witness();
  const { clock } = guarded();
  const store = wrap(memoryStore({ clock }));
  const defaults = { ackTimeoutMs: 10_000, leaseMs: 3_000, busyWaitMs: 100 };
  const options = { store, scope: "billing", defaults, observers: [witness] };
  return { dedup: createDeduplicatorWith(options, clock), witness };
}

describe("an observer", () => {
  it("hears the story of each arrival in order, told apart although they share a delivery", async () => {
    const { dedup, witness } = witnessed();
    const delivery = payment("a");
    await Promise.all([
      dedup.process(delivery, () => undefined),
      dedup.process(delivery, () => undefined),
    ]);
    expect(witness.stories()).toEqual([
      "around, claim acquired, handlerStarted, handlerEnded, outcome processed, left",
      "around, claim duplicate, outcome duplicate, left",
    ]);
    expect(witness.seen.every(({ arrival }) => arrival?.delivery === delivery)).toBe(true);
    expect(witness.seen[0]?.arrival).toMatchObject({
      key: expect.stringMatching(/^.{22}$/),
      messageKey: "a",
    });
  });

  it("hears of a failure, of a run without a key, and of none with mode off", async () => {
    const { dedup, witness } = witnessed();
    const failing = dedup.process(payment("a"), () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    await dedup.process({ topic: "payments" }, () => undefined);
    expect(witness.stories()).toEqual([
      "around, claim acquired, handlerStarted, handlerEnded, outcome failed, left",
      "around, handlerStarted, handlerEnded, outcome unprotected, left",
    ]);
  });

  it("is asked for the traceparent of a claim taken ahead before it is around the work, and hears of one given back", async () => {
    const { dedup, witness } = witnessed();
    const [first, second] = await claimAll(dedup, [payment("a"), payment("b")]);
    expect(witness.seen.map(({ call }) => call)).toEqual(["traceparent", "traceparent"]);
    await second?.abandon();
    await first?.run(() => undefined);
    // Giving back a ticket that has run changes nothing.
    await first?.abandon();
    expect(witness.stories()).toEqual([
      "around, claim acquired, handlerStarted, handlerEnded, outcome processed, left",
      "left",
    ]);
  });

  it("hears of every call of the store that deliveries make, with what claims came to where that is one thing", async () => {
    const { dedup, witness } = witnessed();
    await dedup.process(payment("a"), () => undefined);
    await claimAll(dedup, [payment("b"), payment("c")]);
    await claimAll(dedup, [payment("a"), payment("d")]);
    const about = witness.calls.map(({ operation, size, result, error }) => ({
      operation,
      size,
      result,
      error,
    }));
    expect(about).toEqual([
      { operation: "claim", size: 1, result: "acquired", error: undefined },
      { operation: "complete", size: 1, result: undefined, error: undefined },
      { operation: "claim", size: 2, result: "acquired", error: undefined },
      { operation: "claim", size: 2, result: undefined, error: undefined },
    ]);
    expect(witness.calls.every(({ durationMs }) => durationMs >= 0)).toBe(true);
  });

  it("hears of calls that fail, and of none while it does not want to", async () => {
    const down = new Error("no store");
    const { dedup, witness } = witnessed((store) => {
      const faulty = new FaultyStore(store, { nowMs: () => 0, after: () => () => undefined });
      faulty.next("complete", undefined, { kind: "fail", when: "before", error: down });
      return faulty;
    });
    witness.listens = false;
    await dedup.process(payment("a"), () => undefined);
    expect(witness.calls).toEqual([]);
    witness.listens = true;
    void dedup.process(payment("b"), () => undefined);
    await expect.poll(() => witness.calls.map(({ error }) => error)).toEqual([undefined, down]);
  });
});
