import { randomBytes } from "node:crypto";
import { createDeduplicator, type Deduplicator } from "@onlyonce/core";
import { attend } from "@onlyonce/core/adapter";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { afterEach, describe, expect, inject, it, vi } from "vitest";

const DAYS_MS = 3 * 86_400_000;

describe("behaviour 42: a client whose wall clock is days off", () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    ["ahead", DAYS_MS],
    ["behind", -DAYS_MS],
  ])("%s decides nothing differently about leases and windows", async (_name, offMs) => {
    const redis = new Redis(inject("redisUrl"));
    const prefix = `t${randomBytes(6).toString("hex")}:`;
    const member = (): Deduplicator =>
      createDeduplicator({
        store: redisStore(redis, { prefix, commandTimeoutMs: 150 }),
        scope: "test",
        defaults: { ackTimeoutMs: 20_000, leaseMs: 1_000, busyWaitMs: 200, windowMs: 60_000 },
      });
    const [owner, other] = [member(), member()];
    const delivery = { topic: "payments", id: "p1", coordinates: "payments/0/1" };
    let finish: (() => void) | undefined;
    const running = owner.process(delivery, () => {
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    await vi.waitFor(() => expect(finish).toBeDefined());
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + offMs });
    const contender = await attend(other, delivery, () => undefined);
    expect(contender.outcome).toBe("busy");
    finish?.();
    expect((await running).outcome).toBe("processed");
    const after = await attend(other, delivery, () => undefined);
    expect(after.outcome).toBe("duplicate");
    const { ageMs = -1 } = after.origin ?? {};
    expect(ageMs).toBeGreaterThanOrEqual(0);
    expect(ageMs).toBeLessThan(10_000);
    await redis.quit();
  });
});
