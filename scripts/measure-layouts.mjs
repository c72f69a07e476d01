// Measures what the layouts of the Redis store cost on a server of their own: memory of a remembered key, and the
// server's time for a message and for a duplicate. `node scripts/measure-layouts.mjs [keys]`, after `npm run build`.
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { startRedis } from "../test/dist/servers/redis-process.js";

const KEYS = Number(process.argv[2] ?? 1_000_000);
const BATCH = 128;
const ROUNDS = 300;
const WINDOW_MS = 86_400_000;
/** Of a window. */
const SLICES = [4, 2, 1];

/** All keys of a run come in one slice: of such, the window has several. */
const compact = (slices) => ({
  kind: "compact",
  windowMs: WINDOW_MS,
  sliceMs: WINDOW_MS / slices,
  expectedPerWindow: KEYS * slices,
});

const layouts = [
  ["keys", undefined],
  ...SLICES.map((slices) => [`compact, ${slices} slices a window`, compact(slices)]),
];

const requestsOf = (keys, leaseMs) =>
  keys.map((key, place) => ({
    ...{ key, token: `measure.${place}`, leaseMs, windowMs: WINDOW_MS },
    ...{ origin: {}, grant: 1 },
  }));

const newKeys = () => Array.from({ length: BATCH }, () => randomBytes(16).toString("base64url"));

async function usedBytes(redis) {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info("memory"))?.[1]);
}

/** Expired records go, and tables that grow come to rest. */
async function settle(redis) {
  await redis.config("SET", "hz", 500);
  for (let before = -1, now = await redis.dbsize(); now !== before; ) {
    before = now;
    await setTimeout(500);
    now = await redis.dbsize();
  }
  while (/rehashing target/.test(String(await redis.debug("HTSTATS", 0)))) await setTimeout(500);
  await redis.config("SET", "hz", 10);
}

/** CPU time of the server's main thread, in microseconds. */
async function serverMicros(redis) {
  const cpu = await redis.info("cpu");
  const seconds = (name) =>
    Number(new RegExp(`^used_cpu_${name}_main_thread:([\\d.]+)`, "m").exec(cpu)?.[1]);
  return (seconds("user") + seconds("sys")) * 1e6;
}

async function microsOf(redis, work) {
  const before = await serverMicros(redis);
  const cpu = process.cpuUsage();
  await work();
  const used = process.cpuUsage(cpu);
  const micros = (await serverMicros(redis)) - before;
  const messages = ROUNDS * BATCH;
  return { redis: micros / messages, node: (used.user + used.system) / messages };
}

const told = ({ redis, node }) => `${redis.toFixed(1)} / ${node.toFixed(1)}`;
const rows = [];
for (const [name, layout] of layouts) {
  const server = await startRedis({ args: ["--enable-debug-command", "local"] });
  const redis = new Redis(server.url);
  const store = redisStore(redis, {
    commandTimeoutMs: 60_000,
    ...(layout === undefined ? undefined : { layout }),
  });
  await store.remember(requestsOf(newKeys(), 1));
  const before = await usedBytes(redis);
  for (let done = 0; done < KEYS; done += 8 * BATCH) {
    const batches = Array.from({ length: 8 }, newKeys);
    await Promise.all(batches.map((keys) => store.remember(requestsOf(keys, 1))));
  }
  await settle(redis);
  const bytes = ((await usedBytes(redis)) - before) / KEYS;
  const fresh = Array.from({ length: ROUNDS }, () => requestsOf(newKeys(), 100));
  const message = await microsOf(redis, async () => {
    for (const requests of fresh) {
      await store.claim(requests);
      await store.complete(requests);
    }
  });
  await setTimeout(500);
  const duplicate = await microsOf(redis, async () => {
    for (const requests of fresh) await store.claim(requests);
  });
  rows.push([name, bytes.toFixed(1), told(message), told(duplicate)]);
  redis.disconnect();
  await server.stop();
}
const head = [
  "layout",
  "bytes a key",
  "µs a message: Redis / Node",
  "µs a duplicate: Redis / Node",
];
for (const row of [head, head.map(() => "---"), ...rows]) {
  process.stdout.write(`| ${row.join(" | ")} |\n`);
}
