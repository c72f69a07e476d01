import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createDeduplicator } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { runCommand } from "../servers/command.js";
import { freePort } from "../servers/free-port.js";
import { discard, serverFolder } from "../servers/owned-server.js";
import { startRedis } from "../servers/redis-process.js";

/** A certificate of our own for 127.0.0.1, and its key. */
async function certificate(dir: string): Promise<{ readonly cert: string; readonly key: string }> {
  const [cert, key] = [join(dir, "tls.crt"), join(dir, "tls.key")];
  await runCommand(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-keyout", key, "-out", cert],
    ],
    { cwd: dir, env: process.env },
  );
  return { cert, key };
}

it("TLS: over an encrypted connection with certificates on both sides everything works; without them nothing runs", async () => {
  const folder = await serverFolder("redis");
  onTestFinished(() => discard(folder));
  const { cert, key } = await certificate(folder.dir);
  const tlsPort = await freePort();
  const server = await startRedis({
    args: [
      ...["--tls-port", String(tlsPort), "--tls-cert-file", cert, "--tls-key-file", key],
      ...["--tls-ca-cert-file", cert, "--tls-auth-clients", "yes", "--appendonly", "yes"],
    ],
  });
  onTestFinished(() => server.stop());
  const pem = { ca: await readFile(cert), cert: await readFile(cert), key: await readFile(key) };
  const member = (tls: object) => {
    const redis = new Redis({
      ...{ host: "127.0.0.1", port: tlsPort, tls },
      ...{ enableOfflineQueue: true, maxRetriesPerRequest: 1 },
    });
    redis.on("error", () => undefined);
    onTestFinished(() => redis.disconnect());
    const store = redisStore(redis);
    return createDeduplicator({ store, scope: "test", defaults: { busyWaitMs: 300 } });
  };
  const payment = { topic: "payments", id: "p1" };
  const refused = member({});
  await expect(refused.process(payment, () => "untrusted")).rejects.toMatchObject({
    code: "ERR_ONLYONCE_STORE",
  });
  const trusted = member(pem);
  expect(await trusted.process(payment, () => "paid")).toMatchObject({ value: "paid" });
  expect(await trusted.process(payment, () => "again")).toMatchObject({ outcome: "duplicate" });
  expect((await trusted.check()).filter(({ severity }) => severity !== "info")).toEqual([]);
});
