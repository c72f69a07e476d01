import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { protocolAnswer } from "../protocol-answer.js";
import { type RedisProcess, type RedisProcessOptions, startRedis } from "../redis-process.js";

async function redis(options?: RedisProcessOptions): Promise<RedisProcess> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

describe("a private Redis", () => {
  it("answers PING as soon as it is handed over, on a port of the caller's choice too", async () => {
    const first = await redis();
    await protocolAnswer("redis", first.url);
    await first.stop();
    const second = await redis({ port: first.port });
    expect(second.url).toBe(`redis://127.0.0.1:${first.port}`);
    await protocolAnswer("redis", second.url);
  });

  it("takes further arguments", async () => {
    const server = await redis({ args: ["--maxmemory", "7mb"] });
    const client = new Redis(server.url);
    onTestFinished(() => client.disconnect());
    expect(await client.config("GET", "maxmemory")).toEqual(["maxmemory", String(7 * 1024 * 1024)]);
  });

  it("keeps connections but answers nobody while it is paused", async () => {
    const server = await redis();
    const client = new Redis(server.url);
    onTestFinished(() => client.disconnect());
    await client.set("key", "before");
    server.pause();
    await expect(protocolAnswer("redis", server.url, 300)).rejects.toThrow();
    const late = client.get("key");
    server.resume();
    expect(await late).toBe("before");
  });

  it("can be stopped while it is paused", async () => {
    const server = await redis();
    server.pause();
    await server.stop();
    await expect(protocolAnswer("redis", server.url)).rejects.toThrow("ECONNREFUSED");
  });

  it("refuses connections once killed, and starts again with its data in the same folder", async () => {
    const dir = await mkdtemp(join(tmpdir(), "onlyonce-test-"));
    onTestFinished(() => rm(dir, { recursive: true }));
    const args = ["--appendonly", "yes", "--appendfsync", "always"];
    const server = await redis({ dir, args });
    const client = new Redis(server.url);
    client.on("error", () => {});
    onTestFinished(() => client.disconnect());
    await client.set("key", "value");
    await server.kill();
    await expect(protocolAnswer("redis", server.url)).rejects.toThrow("ECONNREFUSED");
    await redis({ dir, args, port: server.port });
    expect(await client.get("key")).toBe("value");
  });

  it("deletes its temporary folder when stopped, and may be stopped twice", async () => {
    const server = await redis();
    expect(existsSync(server.dir)).toBe(true);
    await server.stop();
    await server.stop();
    expect(existsSync(server.dir)).toBe(false);
  });

  it("that cannot start rejects with what it said, and leaves no folder behind", async () => {
    const refused = startRedis({ args: ["--no-such-setting", "1"] });
    await expect(refused).rejects.toThrow(/exit code 1[\s\S]*no-such-setting/);
  });
});
