import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { findService, findServices, ServiceUnavailableError } from "../index.js";
import { protocolAnswer } from "../protocol-answer.js";
import { findRedisInstallation } from "../redis-installation.js";
import { startRedis } from "../redis-process.js";

/** This process's environment without any opinion on services. */
function neutral(changes: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { REDIS_URL, AMQP_URL, KAFKA_BROKERS, ONLYONCE_SERVICES, ...rest } = process.env;
  return { ...rest, ...changes };
}

async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "onlyonce-test-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

/** A folder for PATH on which Redis is the only server. */
async function pathWithRedisOnly(): Promise<string> {
  const dir = await temporaryFolder();
  const { server, env } = await findRedisInstallation();
  const variables = Object.entries(env).map(([key, value]) => `${key}='${value}' `);
  const script = join(dir, "redis-server");
  await writeFile(script, `#!/bin/sh\n${variables.join("")}exec ${server} "$@"\n`);
  await chmod(script, 0o755);
  return dir;
}

const DEAD_URL = "redis://:secret@127.0.0.1:1";

describe("findService", () => {
  it("uses the service that the environment names, says so in one line, and never stops it", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const lines: string[] = [];
    const found = await findService("redis", {
      env: neutral({ REDIS_URL: server.url }),
      report: (line) => lines.push(line),
    });
    expect(found).toMatchObject({ name: "redis", endpoint: server.url, rung: "url" });
    expect(lines).toEqual([`redis: url, ${server.url} (REDIS_URL is set)`]);
    await found.stop();
    await protocolAnswer("redis", server.url);
  });

  it("starts a private process from the path and stops that", async () => {
    const lines: string[] = [];
    const PATH = await pathWithRedisOnly();
    const found = await findService("redis", {
      env: neutral({ PATH, ONLYONCE_SERVICES: "path" }),
      report: (line) => lines.push(line),
    });
    onTestFinished(() => found.stop());
    await protocolAnswer("redis", found.endpoint);
    expect(lines).toEqual([
      `redis: path, ${found.endpoint} (found ${PATH}/redis-server; forced by ONLYONCE_SERVICES=path)`,
    ]);
    await found.stop();
    await found.stop();
    await expect(protocolAnswer("redis", found.endpoint)).rejects.toThrow("ECONNREFUSED");
  });

  it("never passes over a service that the environment names, and names the commands that help", async () => {
    const refused = findService("redis", { env: neutral({ REDIS_URL: DEAD_URL }) });
    await expect(refused).rejects.toThrow(ServiceUnavailableError);
    await expect(refused).rejects.toThrow(
      [
        "Redis is not available here. Tried:",
        "  url        REDIS_URL is set, but: connect ECONNREFUSED 127.0.0.1:1",
        "Any one of these helps:",
        "  docker compose up -d --wait redis",
        "  sudo apt-get install redis-server",
        "  export REDIS_URL=redis://127.0.0.1:6379",
      ].join("\n"),
    );
  });

  it.each([
    ["redis", "REDIS_URL"],
    ["rabbitmq", "AMQP_URL"],
    ["kafka", "KAFKA_BROKERS"],
  ] as const)("tries nothing but a forced rung for %s", async (name, variable) => {
    const refused = findService(name, { env: neutral({ ONLYONCE_SERVICES: "url" }) });
    await expect(refused).rejects.toThrow(
      new RegExp(`Tried:\n  url +${variable} is not set\nAny [\\s\\S]*unset ONLYONCE_SERVICES$`),
    );
  });

  it("refuses an unknown rung", async () => {
    const refused = findService("redis", { env: neutral({ ONLYONCE_SERVICES: "docker" }) });
    await expect(refused).rejects.toThrow(RangeError);
  });

  it.each(["redis", "rabbitmq", "kafka"] as const)(
    "fetches nothing for %s while ONLYONCE_OFFLINE is set",
    async (name) => {
      const folder = await temporaryFolder();
      const refused = findService(name, {
        env: neutral({
          ONLYONCE_SERVICES: "cache",
          ONLYONCE_OFFLINE: "1",
          ONLYONCE_CACHE: folder,
        }),
      });
      await expect(refused).rejects.toThrow(ServiceUnavailableError);
      await expect(refused).rejects.toThrow("unset ONLYONCE_OFFLINE");
      expect(await readdir(folder)).toEqual([]);
    },
  );
});

describe("findServices", () => {
  it("finds several services by name", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const env = neutral({ REDIS_URL: server.url });
    const { services, stop } = await findServices(["redis"], { env, report: () => {} });
    expect(services.redis.endpoint).toBe(server.url);
    await stop();
    await protocolAnswer("redis", server.url);
  });

  it("stops those that it started when another one is not to be had", async () => {
    const lines: string[] = [];
    const refused = findServices(["redis", "rabbitmq"], {
      env: neutral({ PATH: await pathWithRedisOnly(), ONLYONCE_SERVICES: "path" }),
      report: (line) => lines.push(line),
    });
    await expect(refused).rejects.toThrow("RabbitMQ is not available here");
    const started = /redis: path, (redis:\S+)/.exec(lines.join("\n"))?.[1] ?? "";
    await expect(protocolAnswer("redis", started)).rejects.toThrow("ECONNREFUSED");
  });

  it("tells about everything that is missing at once", async () => {
    const refused = findServices(["redis", "kafka"], {
      env: neutral({ ONLYONCE_SERVICES: "url" }),
    });
    await expect(refused).rejects.toThrow(ServiceUnavailableError);
    await expect(refused).rejects.toThrow(/Redis is not available[\s\S]*Kafka is not available/);
  });
});
