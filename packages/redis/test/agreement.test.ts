import { memoryStore, type Store } from "@onlyonce/core";
import { ManualClock } from "@onlyonce/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lab, newKeys } from "./redis-lab.js";

const LEASE_MS = 60_000;
const WINDOW_MS = 100_000_000;
const KEYS = 3;

/** What a step asks of one key; the fields that its verb does not know are left out when it is sent. */
interface Ask {
  readonly key: number;
  readonly token: string;
  readonly grant: number | undefined;
  readonly coordinates: string | undefined;
  readonly fingerprint: string | undefined;
  readonly result: Uint8Array | undefined;
  readonly as: "failed" | "unstarted" | "reset";
}
type Verb = "claim" | "remember" | "start" | "renew" | "complete" | "release";
type Step =
  | { readonly do: Verb; readonly asks: readonly Ask[] }
  | { readonly do: "lapse" | "lose" | "forget"; readonly key: number };

const key = fc.nat({ max: KEYS - 1 });
const ask: fc.Arbitrary<Ask> = fc.record({
  key,
  token: fc.constantFrom("A", "B", "C"),
  grant: fc.constantFrom(1, 1, 1, 2, 2, 3, 4, undefined),
  coordinates: fc.constantFrom(undefined, undefined, "here", "there and 100 %"),
  fingerprint: fc.constantFrom(undefined, undefined, "one", "two"),
  result: fc.constantFrom(undefined, undefined, Uint8Array.of(), Uint8Array.of(1, 0, 255)),
  as: fc.constantFrom("failed", "failed", "unstarted", "reset"),
});
const call: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom<Verb[]>(
    ...(["claim", "claim", "remember", "start", "renew", "complete", "release"] as const),
  ),
  asks: fc.array(ask, { minLength: 1, maxLength: 4 }),
});
const accident: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom("lapse", "lapse", "lose", "forget"),
  key,
});

/** One side of the comparison: a store, and what can happen to its records behind its back. */
interface Side {
  readonly store: Store;
  keyOf(index: number): string;
  lapse(): Promise<void>;
  lose(index: number): Promise<void>;
}

function memorySide(): Side {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const keys = newKeys(KEYS);
  return {
    store,
    keyOf: (index) => keys[index] ?? "",
    lapse: () => clock.advance(LEASE_MS),
    // A record under a name that nobody asks for any more is lost.
    lose: async (index) => {
      keys[index] = newKeys(1)[0] ?? "";
    },
  };
}

function redisSide(): Side & { clear(): Promise<unknown> } {
  const { redis, store, recordKey } = lab();
  const keys = newKeys(KEYS);
  const names = keys.map(recordKey);
  return {
    store,
    keyOf: (index) => keys[index] ?? "",
    async lapse() {
      for (const name of names) {
        const record = await redis.get(name);
        if (record?.startsWith("C1") !== true) continue;
        await redis.set(name, record.replace(/^(C1.)\d{13}/, "$10000000000001"), "KEEPTTL");
      }
    },
    lose: async (index) => {
      await redis.del(names[index] ?? "");
    },
    clear: () => redis.del(names),
  };
}

function send(side: Side, verb: Verb, asks: readonly Ask[]): Promise<readonly unknown[]> {
  const requests = asks.map(({ key, token, coordinates, fingerprint }) => ({
    key: side.keyOf(key),
    token,
    leaseMs: LEASE_MS,
    windowMs: WINDOW_MS,
    origin: coordinates === undefined ? {} : { coordinates },
    ...(fingerprint !== undefined && { fingerprint }),
  }));
  const held = requests.map((request, i) => ({ ...request, grant: asks[i]?.grant ?? 1 }));
  switch (verb) {
    case "claim":
    case "remember":
      return side.store[verb](requests);
    case "start":
    case "renew":
      return side.store[verb](held);
    case "complete":
      return side.store.complete(
        asks.map(({ grant, result }, i) => ({
          ...(requests[i] ?? expect.fail()),
          ...(grant !== undefined && { grant }),
          ...(result !== undefined && { result }),
        })),
      );
    case "release":
      return side.store.release(
        asks.map(({ grant, as }, i) =>
          grant === undefined
            ? { ...(requests[i] ?? expect.fail()), as: "unstarted" }
            : { ...(held[i] ?? expect.fail()), as },
        ),
      );
  }
}

async function take(side: Side, step: Step): Promise<unknown> {
  if ("asks" in step) return send(side, step.do, step.asks);
  switch (step.do) {
    case "lapse":
      return side.lapse();
    case "lose":
      return side.lose(step.key);
    case "forget":
      return side.store.forget(side.keyOf(step.key));
  }
}

/** Without what follows from time, which passes by itself on one side only. */
function timeless(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(timeless);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !["ageMs", "leaseLeftMs", "expiresInMs", "revision"].includes(name))
      .map(([name, inner]) => [name, timeless(inner)]),
  );
}

async function records(side: Side): Promise<unknown> {
  return timeless(
    await Promise.all(Array.from({ length: KEYS }, (_, i) => side.store.inspect(side.keyOf(i)))),
  );
}

test("behaviour 94: under random sequences of calls, lapses and losses Redis answers and keeps what the record table says", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 5, arbitrary: call }, { weight: 1, arbitrary: accident }), {
        minLength: 1,
        maxLength: 40,
      }),
      async (steps) => {
        const [memory, redis] = [memorySide(), redisSide()];
        for (const step of steps) {
          const [wanted, found] = [await take(memory, step), await take(redis, step)];
          expect(timeless(found)).toEqual(timeless(wanted));
          expect(await records(redis)).toEqual(await records(memory));
        }
        await redis.clear();
      },
    ),
    { numRuns: 150 },
  );
});
