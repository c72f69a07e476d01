import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as scripts from "../src/generated/scripts.js";
import { claimOf, client, heldOf, lab, newKey, newKeys } from "./redis-lab.js";

const ALL: readonly (readonly [string, scripts.Script])[] = Object.entries(scripts);

describe("the generated scripts", () => {
  test("there is one for each call of a store", () => {
    expect(ALL.map(([name]) => name).sort()).toEqual(
      ["claim", "complete", "forget", "inspect", "release", "remember", "renew", "start"].map(
        (verb) => `${verb}Script`,
      ),
    );
  });

  test.each(ALL)("%s is cached by the server under the name that we compute", async (_, script) => {
    expect(await client().script("LOAD", script.source)).toBe(script.sha1);
    expect(createHash("sha1").update(script.source).digest("hex")).toBe(script.sha1);
  });

  test("behaviour 59: a script that the server forgot is sent again, and the call succeeds", async () => {
    const { redis, store } = lab();
    const request = claimOf(newKey());
    await redis.script("FLUSH");
    expect(await store.claim([request])).toMatchObject([{ status: "acquired" }]);
    await redis.script("FLUSH");
    expect(await store.start([heldOf(request)])).toEqual(["ok"]);
    await redis.script("FLUSH");
    expect(await store.renew([heldOf(request)])).toEqual(["ok"]);
    await redis.script("FLUSH");
    expect(await store.inspect(request.key)).toMatchObject({ state: "claimed", attempt: 1 });
    await redis.script("FLUSH");
    expect(await store.release([{ ...heldOf(request), as: "failed" }])).toEqual(["ok"]);
    await redis.script("FLUSH");
    expect(await store.complete([heldOf(request)])).toEqual(["late"]);
    await redis.script("FLUSH");
    expect(await store.remember([claimOf(request.key)])).toMatchObject([{ status: "duplicate" }]);
    await redis.script("FLUSH");
    expect(await store.forget(request.key)).toBe(true);
  });

  test("behaviour 59: many calls that all meet a flushed cache succeed in their order", async () => {
    const { redis, store } = lab({ maxKeysPerCall: 4 });
    const requests = newKeys(64).map((key) => claimOf(key));
    await redis.script("FLUSH");
    const [first, copies] = await Promise.all([
      store.claim(requests),
      store.claim(requests.map(({ key }) => claimOf(key))),
    ]);
    expect(new Set(first.map((reply) => reply.status))).toEqual(new Set(["acquired"]));
    expect(new Set(copies.map((reply) => reply.status))).toEqual(new Set(["busy"]));
  });
});
