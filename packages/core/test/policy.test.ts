import { describe, expect, it } from "vitest";
import type { TopicPolicy } from "../src/index.js";
import { createDeduplicator, memoryStore } from "../src/index.js";
import { TopicPolicies } from "../src/topic-policies.js";

const DAY_MS = 86_400_000;

function policies(defaults: TopicPolicy, topics: Record<string, TopicPolicy> = {}): TopicPolicies {
  return new TopicPolicies(defaults, topics);
}

describe("policies", () => {
  it("fill what is left out from the defaults of the library", () => {
    expect(policies({}).of("orders")).toMatchObject({
      ackTimeoutMs: 1_800_000,
      leaseMs: 30_000,
      busyWaitMs: 5_000,
      windowMs: DAY_MS,
      maxAttempts: 10,
      maxProcessingMs: 1_710_000,
      onStoreDown: "wait",
      onMissingKey: "process",
      mode: "enforce",
    });
  });

  it("size lease, waiting and longest processing by a short ACK timeout", () => {
    expect(policies({ ackTimeoutMs: 10_000 }).of("orders")).toMatchObject({
      leaseMs: 5_000,
      busyWaitMs: 2_500,
      maxProcessingMs: 5_000,
      windowMs: DAY_MS,
    });
  });

  it("size the window by a long ACK timeout times the attempts", () => {
    const found = policies({ ackTimeoutMs: 6 * 3_600_000, maxAttempts: 20 }).of("orders");
    expect(found.windowMs).toBe(120 * 3_600_000);
  });

  it("behaviour 49: the exact name wins over patterns, the most literal pattern over others, topics over defaults", () => {
    const found = policies(
      { ackTimeoutMs: 1_000, windowMs: 2_000 },
      {
        "clicks.*": { windowMs: 3_000 },
        "clicks.eu.*": { windowMs: 4_000 },
        "clicks.eu.web": { windowMs: 5_000 },
      },
    );
    expect(found.of("orders").windowMs).toBe(2_000);
    expect(found.of("clicks.us").windowMs).toBe(3_000);
    expect(found.of("clicks.eu.app").windowMs).toBe(4_000);
    expect(found.of("clicks.eu.web").windowMs).toBe(5_000);
    expect(found.of("clicks.eu.web").ackTimeoutMs).toBe(1_000);
  });

  it("keep the number of the defaults as fallback of a window that is a function", () => {
    const found = policies(
      { ackTimeoutMs: 1_000, windowMs: 7_000 },
      { orders: { windowMs: () => undefined } },
    ).of("orders");
    expect(found.windowMs).toBe(7_000);
    expect(found.windowOf).toBeTypeOf("function");
  });

  it("an option that is explicitly undefined counts as left out", () => {
    const loose = { leaseMs: undefined } as unknown as TopicPolicy;
    expect(policies({ leaseMs: 1_000 }, { orders: loose }).of("orders").leaseMs).toBe(1_000);
  });

  it("equally specific patterns that can meet are refused", () => {
    expect(() => policies({}, { "a*": {}, "*a": {} })).toThrow(/"a\*" and "\*a".*equally specific/);
    expect(() => policies({}, { "a.*": {}, "b.*": {} })).not.toThrow();
  });

  it("are found again for a thousand unknown topics without growing", () => {
    const found = policies({}, { "t*": { maxAttempts: 3 } });
    for (let index = 0; index < 5_000; index += 1)
      expect(found.of(`t${index}`).maxAttempts).toBe(3);
  });
});

describe("wrong options throw at construction, name the option and quote the value", () => {
  const wrong: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ["zero ACK timeout", { ackTimeoutMs: 0 }, /ackTimeoutMs .* got 0/],
    ["negative ACK timeout", { ackTimeoutMs: -5 }, /ackTimeoutMs .* got -5/],
    ["NaN lease", { leaseMs: Number.NaN }, /leaseMs .* got NaN/],
    ["fractional lease", { leaseMs: 1.5 }, /leaseMs .* got 1\.5/],
    ["text lease", { leaseMs: "30s" }, /leaseMs .* got "30s"/],
    ["endless window", { windowMs: Number.POSITIVE_INFINITY }, /windowMs .* got Infinity/],
    ["behaviour 50: zero window", { windowMs: 0 }, /windowMs .* got 0/],
    ["behaviour 50: negative window", { windowMs: -1 }, /windowMs .* got -1/],
    [
      "behaviour 50: window below 5 ms",
      { ackTimeoutMs: 1, leaseMs: 1, windowMs: 4 },
      /windowMs .* got 4/,
    ],
    [
      "behaviour 43: a timer that Node cannot express",
      { ackTimeoutMs: 2 ** 31 },
      /ackTimeoutMs .* got 2147483648/,
    ],
    [
      "behaviour 41: lease over half the ACK timeout",
      { ackTimeoutMs: 10_000, leaseMs: 5_001 },
      /leaseMs .*10000.* got 5001/,
    ],
    [
      "window below twice the ACK timeout",
      { ackTimeoutMs: 1_000, windowMs: 1_999 },
      /windowMs .*1000.* got 1999/,
    ],
    [
      "busy wait of half the ACK timeout",
      { ackTimeoutMs: 1_000, busyWaitMs: 500 },
      /busyWaitMs .*1000.* got 500/,
    ],
    ["no attempts", { maxAttempts: 0 }, /maxAttempts .* got 0/],
    ["unknown reaction", { onStoreDown: "ignore" }, /onStoreDown .* got "ignore"/],
    ["replicas that are a number", { replicas: 1 }, /replicas .* got 1/],
    ["no replica", { replicas: { min: 0, timeoutMs: 100 } }, /replicas\.min .* got 0/],
    [
      "no wait for replicas",
      { replicas: { min: 1, timeoutMs: 0 } },
      /replicas\.timeoutMs .* got 0/,
    ],
    ["replicas without a time", { replicas: { min: 1 } }, /replicas\.timeoutMs .* got undefined/],
    [
      "a misspelt option of replicas",
      { replicas: { min: 1, timeoutMs: 100, max: 2 } },
      /unknown option "max" .*: 2/,
    ],
    ["unknown missing-key policy", { onMissingKey: "drop" }, /onMissingKey .* got "drop"/],
    ["unknown mode", { mode: "on" }, /mode .* got "on"/],
    ["a key that is no function", { key: "id" }, /key .* got "id"/],
    ["a fingerprint that is no function", { fingerprint: "id" }, /fingerprint .* got "id"/],
    [
      "behaviour 20: no fingerprint rule at all",
      { fingerprint: [] },
      /fingerprint must be a function or a list of 1 to 4 functions, got a list of 0/,
    ],
    [
      "behaviour 20: more than four fingerprint rules",
      { fingerprint: Array(5).fill(() => "x") },
      /fingerprint must .*got a list of 5/,
    ],
    [
      "behaviour 20: a fingerprint rule that is no function",
      { fingerprint: [() => "x", "/amount"] },
      /fingerprint\[1\] must be a function, got "\/amount"/,
    ],
    ["a misspelt option", { windowMS: 5 }, /unknown option "windowMS" .*: 5/],
  ];

  it.each(wrong)("%s", (_name, defaults, message) => {
    const store = memoryStore();
    const asDefault = (): unknown => createDeduplicator({ store, scope: "s", defaults });
    expect(asDefault).toThrow(message);
    expect(asDefault).toThrow(/defaults/);
    const asTopic = (): unknown =>
      createDeduplicator({ store, scope: "s", topics: { orders: defaults } });
    expect(asTopic).toThrow(message);
    expect(asTopic).toThrow(/topics\["orders"\]/);
  });

  it.each([
    ["an empty scope", { scope: "" }, /scope .* got ""/],
    ["a missing scope", { scope: undefined }, /scope .* got undefined/],
    ["no store", { store: undefined }, /store .* got undefined/],
    ["half a store", { store: { claim: () => [] } }, /no method "remember"/],
    ["a short secret", { keySecret: new Uint8Array(15) }, /keySecret .*16/],
    ["one observer outside an array", { observers: {} }, /observers .* got an object/],
    ["a misspelt option", { windows: 5 }, /unknown option "windows".*: 5/],
    ["a topic without a name", { topics: { "": {} } }, /topics\[""\]/],
  ])("%s", (_name, extra, message) => {
    const options = { store: memoryStore(), scope: "s", ...extra } as never;
    expect(() => createDeduplicator(options)).toThrow(message);
  });

  it("a command timeout over a sixth of the shortest lease", () => {
    const store = Object.assign(memoryStore(), { commandTimeoutMs: 1_000 });
    const topics = { fast: { ackTimeoutMs: 10_000, leaseMs: 5_000 } };
    expect(() => createDeduplicator({ store, scope: "s", topics })).toThrow(
      /commandTimeoutMs .*\(5000\), got 1000/,
    );
    expect(() => createDeduplicator({ store, scope: "s" })).not.toThrow();
  });

  it("replicas where the store knows none, and a wait that is longer than it can do", () => {
    const topics = { paid: { replicas: { min: 1, timeoutMs: 400 } } };
    expect(() => createDeduplicator({ store: memoryStore(), scope: "s", topics })).toThrow(
      /replicas .* got an object: the store can't wait for replicas/,
    );
    const make = (maxReplicaWaitMs: number): unknown =>
      createDeduplicator({
        store: Object.assign(memoryStore(), { maxReplicaWaitMs }),
        scope: "s",
        topics,
      });
    expect(() => make(399)).toThrow(/replicas\.timeoutMs .*\(399\), got 400/);
    expect(() => make(400)).not.toThrow();
  });

  it("nothing is asked of the store before the first delivery", () => {
    const calls: string[] = [];
    const store = new Proxy(memoryStore(), {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        return typeof value === "function"
          ? (...given: unknown[]) => {
              calls.push(String(property));
              return Reflect.apply(value, target, given);
            }
          : value;
      },
    });
    createDeduplicator({ store, scope: "s" });
    expect(calls).toEqual([]);
  });
});
