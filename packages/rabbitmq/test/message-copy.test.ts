import { describe, expect, it } from "vitest";
import { copyOf, retriesOf } from "../src/message-copy.js";
import { checkRetryRoute, delayRoute } from "../src/retry-route.js";

const FIELDS = { deliveryTag: 1, redelivered: false };

function copied(properties: object) {
  return copyOf({ content: Buffer.from("x"), fields: FIELDS, properties }).properties;
}

describe("a copy", () => {
  it("is durable, and keeps what the publisher said", () => {
    const kept = {
      messageId: "m-1",
      correlationId: "c-1",
      replyTo: "r",
      timestamp: 7,
      priority: 2,
    };
    expect(copied({ ...kept, deliveryMode: 1 })).toMatchObject({ ...kept, deliveryMode: 2 });
  });

  it("drops what would make it expire, be refused, be routed twice, or be taken for a circle", () => {
    const headers = {
      CC: ["a"],
      BCC: ["b"],
      "x-death": [],
      "x-first-death-queue": "q",
      "x-last-death-reason": "expired",
      "x-delivery-count": 4,
      "x-acquired-count": 4,
      "x-stream-offset": 9,
      "x-deaths": "mine",
      tenant: "blue",
    };
    const copy = copied({ headers, expiration: "500", userId: "guest", clusterId: "c" });
    expect(copy).toMatchObject({ expiration: undefined, userId: undefined, clusterId: undefined });
    expect(copy.headers).toEqual({ "x-deaths": "mine", tenant: "blue", "x-onlyonce-retries": 1 });
  });

  it("carries the bytes of a view, and not those around it", () => {
    const content = new Uint8Array(Buffer.from("abcdef")).subarray(2, 4);
    const copy = copyOf({ content, fields: FIELDS, properties: {} });
    expect(copy.content.toString()).toBe("cd");
  });

  it("counts how often it was made", () => {
    const once = copied({ headers: {} }).headers;
    expect(retriesOf(copied({ headers: once }).headers)).toBe(2);
    expect(retriesOf(undefined)).toBe(0);
    expect(retriesOf({ "x-onlyonce-retries": "many" })).toBe(0);
    expect(retriesOf({ "x-onlyonce-retries": -1 })).toBe(0);
  });
});

it("a message rests in the shortest delay that is long enough, or else in the longest", () => {
  const route = checkRetryRoute("retry", { exchange: "r", delaysMs: [30_000, 1_000, 5_000] });
  const chosen = [0, 1_000, 1_001, 5_000, 29_000, 90_000].map((ms) => delayRoute(route, ms));
  expect(chosen).toEqual(["1000", "1000", "5000", "5000", "30000", "30000"]);
});

it.each([
  [{ delaysMs: [1] }, "retry.exchange"],
  [{ exchange: "r" }, "retry.delaysMs"],
  [{ exchange: "r", delaysMs: [1], deadLetter: false }, "retry.deadLetter"],
  [{ exchange: "r", delaysMs: [1], queue: "q" }, "queue"],
  ["r", "retry must be an object"],
])("a route such as %o is refused", (route, name) => {
  expect(() => checkRetryRoute("retry", route)).toThrow(TypeError);
  expect(() => checkRetryRoute("retry", route)).toThrow(name);
});
