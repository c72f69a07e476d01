import { describe, expect, it, onTestFinished, vi } from "vitest";
import { borrowService } from "../../setup/shared-service.js";
import { startRedis } from "../redis-process.js";

describe("borrowService", () => {
  it("finds a service once for all who have it at the same time, and anew afterwards", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    vi.stubEnv("REDIS_URL", server.url);
    vi.stubEnv("ONLYONCE_SERVICES", "url");
    onTestFinished(() => void vi.unstubAllEnvs());

    const [first, second] = await Promise.all([borrowService("redis"), borrowService("redis")]);
    expect(first.service.endpoint).toBe(server.url);
    expect(second.service).toBe(first.service);
    await first.giveBack();
    const third = await borrowService("redis");
    expect(third.service).toBe(first.service);
    await second.giveBack();
    await third.giveBack();

    const later = await borrowService("redis");
    expect(later.service).not.toBe(first.service);
    await later.giveBack();
  });
});
