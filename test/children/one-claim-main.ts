// Processes one delivery through a real Redis, and says what came of it.
import { createDeduplicator, type TopicPolicy } from "@onlyonce/core";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { endWithParent, heard, settings, tell, tellingObserver } from "./parent.js";

export interface OneClaimSettings {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly id: string;
  readonly policy: TopicPolicy;
  /** The handler ends when the test says "finish", not by itself. */
  readonly holds: boolean;
}

endWithParent();
const { redisUrl, prefix, id, policy, holds } = settings<OneClaimSettings>();
const redis = new Redis(redisUrl);
const dedup = createDeduplicator({
  store: redisStore(redis, { prefix, commandTimeoutMs: 150 }),
  scope: "test",
  defaults: policy,
  observers: [tellingObserver],
});
await redis.ping();
tell({ event: "ready" });
await heard("go");
const finish = holds ? heard("finish") : Promise.resolve();
await dedup
  .process({ topic: "payments", id }, async ({ attempt }) => {
    tell({ event: "started", id, attempt });
    await finish;
    tell({ event: "finished", id });
  })
  .catch((error: unknown) => tell({ event: "incident", outcome: String(error) }));
await dedup.close();
await redis.quit();
process.disconnect();
