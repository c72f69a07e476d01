import { describe, expect, it } from "vitest";
import { expectInvariants } from "./order-history.js";
import { OrdersGroup, SESSION_MS } from "./orders-group.js";

describe.concurrent("a Kafka handler that outlives the session of its consumer", () => {
  it("K1: without a heartbeat of its own keeps its partition and runs once", async (context) => {
    const group = await OrdersGroup.open(context, { partitions: 2 });
    const handlerMs = SESSION_MS + 1_500;
    const members = [group.member({ handlerMs }), group.member({ handlerMs })];
    await Promise.all(members.map((member) => member.heard("ready", 40_000)));
    await Promise.all([group.send(["a1"], 0), group.send(["b1"], 1)]);
    await group.caughtUp();
    expectInvariants(group);
    const finished = members.flatMap((member) => member.of("finished"));
    const firstEndMs = Math.min(...finished.map(({ atMs }) => atMs));
    const startMs = firstEndMs - SESSION_MS;
    const joins = members.flatMap((member) => member.of("ready"));
    expect(joins.filter(({ atMs }) => atMs > startMs && atMs < firstEndMs)).toEqual([]);
  });

  it("K2: because its process was frozen beyond session and lease is succeeded, says claim_lost, and loses nothing", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(["o1", "o2"]);
    const frozen = group.member({ holds: true });
    await frozen.heard("started", 40_000, "o1");
    frozen.signal("SIGSTOP");
    const successor = group.member();
    expect(await successor.heard("outcome", 40_000, "o2")).toMatchObject({ outcome: "processed" });
    await group.caughtUp();
    frozen.signal("SIGCONT");
    frozen.say("finish");
    expect(await frozen.heard("outcome", 20_000, "o1")).toMatchObject({ outcome: "claim_lost" });
    await group.send(["o3"]);
    await group.caughtUp();
    expect(frozen.of("finished", "o2")).toEqual([]);
    expectInvariants(group, { twice: ["o1"] });
  });
});
