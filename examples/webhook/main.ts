// A webhook receiver: the provider retries until it sees a 2xx, and each event takes effect once.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createDeduplicator, header, jsonCodec, OnlyOnceError } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";

const { REDIS_URL = "redis://localhost:6379" } = process.env;
const redis = new Redis(REDIS_URL);
const dedup = createDeduplicator({
  store: redisStore(redis),
  scope: `webhook-${randomUUID()}`,
  defaults: {
    key: header("idempotency-key"),
    fingerprint: ({ payload }) => payload, // the same key with another body is a conflict
    ackTimeoutMs: 30_000,
  },
});

interface Receipt {
  readonly [name: string]: string;
}
// With a codec, a repeated request gets the answer of the first one.
const replay = jsonCodec<Receipt>();
let receipts = 0;

const server = createServer((request, response) => void answer(request, response));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const respond = (status: number, body: object): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  try {
    const payload = await bodyOf(request);
    const { outcome, value } = await dedup.process(
      { topic: "webhooks", payload, headers: request.headers },
      () => {
        receipts += 1;
        return { receipt: `r-${receipts}` };
      },
      { replay },
    );
    respond(200, { outcome, ...value });
  } catch (error) {
    if (!OnlyOnceError.is(error)) respond(500, { error: "internal" });
    else respond(error.code === "ERR_ONLYONCE_CONFLICT" ? 422 : 503, { error: error.code });
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

// What follows plays the provider.
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
for (const [key, body] of [
  ["e-1", "paid 10"],
  ["e-1", "paid 10"],
  ["e-1", "paid 99"],
  ["e-2", "paid 20"],
] as const) {
  const headers = { "idempotency-key": key };
  const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body, headers });
  console.log(`${key} "${body}": ${response.status} ${await response.text()}`);
}

server.close();
await dedup.close();
await redis.quit();
