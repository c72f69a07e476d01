import { type Delivery, OnlyOnceError, PermanentError, type TopicPolicy } from "@onlyonce/core";
import { FaultyStore } from "@onlyonce/testing";
import { SpanStatusCode } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { payment, rejection, type Scene, scene } from "./scene.js";
import { startSdk } from "./sdk.js";

class CardDeclined extends Error {}

const declined = (): Promise<never> => Promise.reject(new CardDeclined("card 4711 of Jane Doe"));
const fine = (): void => undefined;

/** Two processes compete: the second one takes over and completes before the first one does. */
async function loseClaim({ store, dedup, peer, clock }: Scene): Promise<void> {
  const { renew } = store;
  store.renew = () => Promise.reject(new Error("no way to the store"));
  let finish: () => void = () => undefined;
  const slow = dedup.process(
    payment("a"),
    () => new Promise<void>((resolve) => (finish = resolve)),
  );
  await clock.advance(3_100);
  store.renew = renew;
  await peer().process(payment("b"), fine);
  await peer().process(payment("a"), fine);
  finish();
  await slow;
}

function withFaults(policy: TopicPolicy, error: unknown): Scene {
  return scene({}, policy, (store, clock) => {
    const faulty = new FaultyStore(store, clock);
    faulty.always(["claim"], { kind: "fail", when: "before", error });
    return faulty;
  });
}

async function fails(delivery: Delivery, given: Scene, handler: () => unknown): Promise<void> {
  const failing = rejection(given.dedup.process(delivery, handler));
  await given.clock.advance(10_000);
  await failing;
}

const storeDown = new OnlyOnceError("ERR_ONLYONCE_STORE", "Redis call failed");
const storeSlow = new OnlyOnceError("ERR_ONLYONCE_STORE", "Redis did not answer", {
  cause: new DOMException("too late", "TimeoutError"),
});

interface Case {
  readonly outcome: string;
  readonly type?: string;
  readonly detail?: string;
  act(): Promise<unknown>;
}

const CASES: readonly Case[] = [
  { outcome: "processed", act: () => scene().dedup.process(payment("a"), fine) },
  {
    outcome: "processed",
    detail: "skipped",
    act: () => scene().dedup.process(payment("a"), ({ skip }) => skip()),
  },
  { outcome: "failed", type: "CardDeclined", act: () => fails(payment("a"), scene(), declined) },
  {
    outcome: "failed",
    type: "_OTHER",
    act: () => fails(payment("a"), scene(), () => Promise.reject("just text")),
  },
  {
    outcome: "failed",
    type: "PermanentError",
    detail: "poison",
    act: () => fails(payment("a"), scene(), () => Promise.reject(new PermanentError("never"))),
  },
  {
    outcome: "duplicate",
    act: async () => {
      const { dedup } = scene();
      await dedup.process(payment("a"), fine);
      await dedup.process(payment("a"), fine);
    },
  },
  {
    outcome: "duplicate",
    type: "CardDeclined",
    detail: "shadow",
    act: async () => {
      const { dedup, peer } = scene();
      await dedup.process(payment("a"), fine);
      await rejection(peer({}, { mode: "shadow" }).process(payment("a"), declined));
    },
  },
  {
    outcome: "conflict",
    type: "fingerprint_mismatch",
    act: async () => {
      const { dedup } = scene({}, { fingerprint: ({ payload }) => JSON.stringify(payload) });
      await dedup.process(payment("a"), fine);
      await rejection(dedup.process(payment("a", { payload: { id: "other" } }), fine));
    },
  },
  { outcome: "claim_lost", type: "claim_lost", act: () => loseClaim(scene()) },
  {
    outcome: "store_error",
    type: "store_unavailable",
    act: () => fails(payment("a"), withFaults({}, storeDown), fine),
  },
  {
    outcome: "store_error",
    type: "store_timeout",
    act: () => fails(payment("a"), withFaults({}, storeSlow), fine),
  },
  {
    outcome: "store_error",
    type: "_OTHER",
    act: () => fails(payment("a"), withFaults({}, "what?"), fine),
  },
  {
    outcome: "unprotected",
    detail: "store_down",
    act: () => withFaults({ onStoreDown: "process" }, storeDown).dedup.process(payment("a"), fine),
  },
  {
    outcome: "unprotected",
    type: "CardDeclined",
    detail: "key_missing",
    act: () => fails({ topic: "payments" }, scene(), declined),
  },
  {
    outcome: "unprotected",
    detail: "off",
    act: () => scene({}, { mode: "off" }).dedup.process(payment("a"), fine),
  },
];

describe("the span of a delivery", () => {
  it.each(CASES)(
    "that ends as $outcome, $detail, has the error type $type and the status that goes with it",
    async ({ outcome, type, detail, act }) => {
      const sdk = startSdk();
      await act();
      const span = sdk.spans.findLast(
        ({ attributes }) => attributes["idempotency.outcome"] === outcome,
      );
      expect(span?.attributes["idempotency.outcome.detail"]).toBe(detail);
      expect(span?.attributes["error.type"]).toBe(type);
      expect(span?.status.code).toBe(
        type === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR,
      );
      // The text of an error may hold anything.
      expect(span?.status.message).toBeUndefined();
      expect(span?.events.filter(({ name }) => name === "exception")).toEqual([]);
      const points = await sdk.points("idempotency.messages");
      const counted = points.filter(
        ({ attributes }) => attributes["idempotency.outcome"] === outcome,
      );
      expect(counted.map(({ attributes }) => attributes["error.type"])).toContain(type);
      expect(JSON.stringify([span?.attributes, points])).not.toContain("Jane Doe");
    },
  );
});

describe("an event", () => {
  it("tells that the handler runs although the store failed", async () => {
    const sdk = startSdk();
    let seen = -1;
    const { dedup } = withFaults({ onStoreDown: "process" }, storeSlow);
    await dedup.process(payment("a"), () => {
      seen = sdk.spans.length;
    });
    expect(seen).toBe(0);
    const span = sdk.span("process payments");
    expect(span.events.map(({ name, attributes }) => [name, attributes])).toEqual([
      [
        "idempotency.store.error",
        { "idempotency.store.operation": "claim", "error.type": "store_timeout" },
      ],
    ]);
    expect(span.attributes["idempotency.claim.result"]).toBe("error");
  });

  it.each([
    {
      reason: "renew_failed",
      held: 2.5,
      lose: ({ store }: Scene) => {
        store.renew = () => Promise.reject(new Error("no way to the store"));
      },
    },
    {
      reason: "taken_over",
      held: 1,
      lose: ({ store }: Scene) => {
        store.renew = (held) => Promise.resolve(held.map(() => "lost"));
      },
    },
  ])(
    "tells that the claim was lost while the handler ran: $reason",
    async ({ reason, held, lose }) => {
      const sdk = startSdk();
      const given = scene();
      lose(given);
      let finish: () => void = () => undefined;
      const handler = () => new Promise<void>((resolve) => (finish = resolve));
      const running = given.dedup.process(payment("a"), handler);
      await given.clock.advance(2_600);
      expect(sdk.spans).toEqual([]);
      finish();
      await running;
      expect(sdk.span("process payments").events).toMatchObject([
        {
          name: "idempotency.claim.lost",
          attributes: { "idempotency.claim.loss.reason": reason, "idempotency.claim.held": held },
        },
      ]);
    },
  );

  it("tells that the claim expired where this process stood still", async () => {
    const sdk = startSdk();
    const given = scene();
    let finish: () => void = () => undefined;
    const running = given.dedup.process(
      payment("a"),
      () => new Promise<void>((resolve) => (finish = resolve)),
    );
    await given.clock.advance(0);
    // Time passes, and no timer was let through in time.
    const { nowMs } = given.clock;
    given.clock.nowMs = () => nowMs.call(given.clock) + 2_700;
    await given.clock.advance(250);
    finish();
    await running;
    expect(sdk.span("process payments").events[0]?.attributes).toMatchObject({
      "idempotency.claim.loss.reason": "expired",
    });
  });
});
