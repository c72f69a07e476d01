import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, inject, it } from "vitest";
import { Child } from "../children/child.js";
import type { OneClaimSettings } from "../children/one-claim-main.js";

const POLICY = { ackTimeoutMs: 20_000, leaseMs: 1_500, busyWaitMs: 8_000, windowMs: 60_000 };
const children: Child[] = [];

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
});

function claimant(given: Partial<OneClaimSettings> & { readonly prefix: string }): Child {
  const settings: OneClaimSettings = {
    redisUrl: inject("redisUrl"),
    id: "p1",
    policy: POLICY,
    holds: false,
    ...given,
  };
  const child = new Child("one-claim", settings);
  children.push(child);
  return child;
}

function randomPrefix(): string {
  return `t${randomBytes(6).toString("hex")}:`;
}

describe("processes that share a key", () => {
  it("behaviour 3: of fifty processes one runs the handler, and 49 are dropped as duplicates", async () => {
    const prefix = randomPrefix();
    const all: Child[] = [];
    // Started five at a time: fifty at once would only measure how slowly they load.
    for (let group = 0; group < 10; group += 1) {
      const started = Array.from({ length: 5 }, () => claimant({ prefix }));
      await Promise.all(started.map((child) => child.heard("ready", 60_000)));
      all.push(...started);
    }
    for (const child of all) child.say("go");
    const outcomes = await Promise.all(all.map((child) => child.heard("outcome", 30_000)));
    const names = outcomes.map(({ outcome }) => outcome);
    expect(names.filter((name) => name === "processed")).toHaveLength(1);
    expect(names.filter((name) => name === "duplicate")).toHaveLength(49);
    expect(all.flatMap((child) => child.of("started"))).toHaveLength(1);
  });

  it("behaviour 35: a killed owner is succeeded once its lease lapses, by one of many contenders", async () => {
    const prefix = randomPrefix();
    const owner = claimant({ prefix, holds: true });
    const contenders = Array.from({ length: 4 }, () => claimant({ prefix }));
    await Promise.all([owner, ...contenders].map((child) => child.heard("ready", 30_000)));
    owner.say("go");
    await owner.heard("started", 10_000);
    for (const contender of contenders) contender.say("go");
    owner.signal("SIGKILL");
    const killedAtMs = performance.timeOrigin + performance.now();
    await Promise.all(contenders.map((child) => child.heard("outcome", 10_000)));
    const starts = contenders.flatMap((child) => child.of("started"));
    expect(starts).toHaveLength(1);
    expect((starts[0]?.atMs ?? 0) - killedAtMs).toBeLessThan(POLICY.leaseMs + 2_000);
  });

  it("behaviour 36: an owner that was frozen past its lease finds its completion stolen, and says so", async () => {
    const prefix = randomPrefix();
    const owner = claimant({ prefix, holds: true });
    const successor = claimant({ prefix });
    await Promise.all([owner, successor].map((child) => child.heard("ready", 30_000)));
    owner.say("go");
    await owner.heard("started", 10_000);
    owner.signal("SIGSTOP");
    successor.say("go");
    expect(await successor.heard("outcome", 10_000)).toMatchObject({ outcome: "processed" });
    owner.signal("SIGCONT");
    owner.say("finish");
    expect(await owner.heard("outcome", 10_000)).toMatchObject({ outcome: "claim_lost" });
  });

  it("a process that ends between its claim and its handler delays the message by one lease at most", async () => {
    const prefix = randomPrefix();
    const owner = claimant({ prefix, holds: true });
    const successor = claimant({ prefix });
    await Promise.all([owner, successor].map((child) => child.heard("ready", 30_000)));
    owner.say("go");
    await owner.heard("started", 10_000);
    owner.signal("SIGKILL");
    await owner.exited();
    successor.say("go");
    expect(await successor.heard("outcome", POLICY.leaseMs + 2_000)).toMatchObject({
      outcome: "processed",
    });
    expect(successor.of("started")[0]).toMatchObject({ attempt: 1 });
  });
});
