import { describe, expect, it } from "vitest";
import type { Child } from "../children/child.js";
import { until } from "../servers/deadline.js";
import { expectInvariants } from "./order-history.js";
import { OrdersGroup } from "./orders-group.js";

const PARTITIONS = [0, 1, 2, 3];

describe.concurrent("Kafka consumers that are restarted", () => {
  it("K6: one after the other, each in the middle of its work, run every message once and in order, one or many at a time", async (context) => {
    const group = await OrdersGroup.open(context, { partitions: PARTITIONS.length });
    const handlerMs = 150;
    // Those who handle many records at a time share the group with those who do not.
    const joining = (place: number): Child =>
      group.member({ handlerMs, handlesBatches: place % 2 === 1 });
    const crew = [0, 1, 2].map(joining);
    await Promise.all(crew.map((member) => member.heard("ready", 60_000)));
    for (const [round, member] of crew.entries()) {
      const startsBefore = member.of("started").length;
      for (const partition of PARTITIONS) {
        const ids = [1, 2, 3, 4].map((number) => `r${round}-p${partition}-${number}`);
        await group.send(ids, partition);
      }
      await until(() => (member.of("started").length > startsBefore ? true : undefined), {
        what: "The start of a handler",
        limitMs: 40_000,
      });
      const successor = joining(round + 1);
      member.signal("SIGTERM");
      await member.exited();
      expect(member.exitCode).toBe(0);
      await successor.heard("ready", 60_000);
    }
    await group.caughtUp();
    expectInvariants(group);
  });

  it("in the middle of a handler let it end, record and commit it, and take nothing more", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(["o1", "o2", "o3"]);
    const leaving = group.member({ holds: true });
    await leaving.heard("started", 40_000, "o1");
    leaving.signal("SIGTERM");
    await leaving.heard("stopping", 20_000);
    leaving.say("finish");
    await leaving.exited();
    expect(leaving.exitCode).toBe(0);
    expect(leaving.of("started").map(({ id }) => id)).toEqual(["o1"]);
    expect(leaving.of("outcome")).toMatchObject([{ id: "o1", outcome: "processed" }]);
    const successor = group.member();
    await group.caughtUp();
    expect(successor.of("outcome").map(({ id }) => id)).toEqual(["o2", "o3"]);
    expectInvariants(group);
  });

  it("while their partition rests after a failure end cleanly, although the rest ends after the client", async (context) => {
    const group = await OrdersGroup.open(context);
    await group.send(["o1", "o2"]);
    const leaving = group.member({
      rejections: { o1: 99 },
      retryDelayMs: 1_000,
      lingerMs: 2_000,
    });
    expect(await leaving.heard("outcome", 40_000, "o1")).toMatchObject({ outcome: "failed" });
    leaving.signal("SIGTERM");
    await leaving.exited();
    expect(leaving.exitCode).toBe(0);
    expect(leaving.of("stopped")).toHaveLength(1);
    const successor = group.member();
    const again = await successor.heard("started", 40_000, "o1");
    expect(again.attempt).toBe(leaving.of("started", "o1").length + 1);
    await group.caughtUp();
    expectInvariants(group);
  });
});
