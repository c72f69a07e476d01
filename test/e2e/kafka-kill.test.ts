import { describe, expect, it } from "vitest";
import { expectInvariants } from "./order-history.js";
import { LEASE_MS, OrdersGroup, SESSION_MS } from "./orders-group.js";

const IDS = ["o1", "o2", "o3"];

describe.concurrent("a Kafka consumer that is killed", () => {
  it("K3: between the end of its handler and the record of it runs that message a second time, and no other", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(IDS);
    const victim = group.member({ crashesWhen: "handled", handlerMs: 100 });
    await victim.exited();
    expect(victim.of("finished").map(({ id }) => id)).toEqual(["o1"]);
    const successor = group.member();
    await group.caughtUp();
    expect(successor.of("finished").map(({ id }) => id)).toEqual(IDS);
    expectInvariants(group, { twice: ["o1"] });
  });

  it("K4: between the record of its work and the commit of its offset does not run it again: it is a duplicate", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(IDS);
    const victim = group.member({ crashesWhen: "recorded", handlerMs: 100 });
    await victim.exited();
    expect(victim.of("finished").map(({ id }) => id)).toEqual(["o1"]);
    const successor = group.member();
    await group.caughtUp();
    expect(successor.of("finished").map(({ id }) => id)).toEqual(["o2", "o3"]);
    expect(successor.of("outcome", "o1")).toMatchObject([{ outcome: "duplicate" }]);
    expectInvariants(group);
  });

  it("K5: between its claim and its handler delays the message by session and lease at most", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(IDS);
    const victim = group.member({ crashesWhen: "claimed" });
    await victim.exited();
    expect(victim.of("started")).toEqual([]);
    const successor = group.member();
    const first = await successor.heard("started", 40_000);
    expect(first).toMatchObject({ id: "o1", attempt: 1 });
    const delayMs = first.atMs - (victim.exitedAtMs ?? 0);
    expect(delayMs).toBeLessThan(SESSION_MS + LEASE_MS + 5_000);
    await group.caughtUp();
    expectInvariants(group);
  });
});
