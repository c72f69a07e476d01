import { describe, expect, it } from "vitest";
import { expectInvariants } from "./order-history.js";
import { OrdersGroup } from "./orders-group.js";

describe("a Kafka topic that is deleted and made again", () => {
  it("K12: has its new messages processed under coordinates(), although their offsets were seen before", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(["o1", "o2"]);
    const before = group.member({ key: "coordinates" });
    await group.caughtUp();
    before.signal("SIGTERM");
    await before.exited();
    await group.deleteTopic();
    await group.createTopic();
    await group.send(["o3", "o4"]);
    const after = group.member({ key: "coordinates" });
    await after.heard("outcome", 60_000, "o4");
    await group.caughtUp();
    expect(after.of("outcome")).toMatchObject([
      { id: "o3", outcome: "processed" },
      { id: "o4", outcome: "processed" },
    ]);
    expectInvariants(group);
  });
});
