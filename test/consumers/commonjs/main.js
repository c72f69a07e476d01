// The packages through `require`, which Node.js has been able to do for ES modules since 20.19: no second build.
const core = require("@onlyonce/core");
const { attend } = require("@onlyonce/core/adapter");
const { kafkaRun } = require("@onlyonce/kafka");
const { rabbitConsume } = require("@onlyonce/rabbitmq");
const { redisStore } = require("@onlyonce/redis");
const { Redis } = require("ioredis");

async function main() {
  const outcomes = [];
  const redis = new Redis(process.env.REDIS_URL);
  const dedup = core.createDeduplicator({
    store: redisStore(redis, { prefix: process.env.PREFIX }),
    scope: "commonjs",
    observers: [{ outcome: ({ outcome }) => outcomes.push(outcome) }],
  });
  let runs = 0;
  const handler = () => {
    runs += 1;
  };
  await dedup.process({ topic: "payments", id: "p-1" }, handler);
  await attend(dedup, { topic: "payments", id: "p-1" }, handler);
  await dedup.close();
  await redis.quit();

  const imported = await import("@onlyonce/core");
  console.log(
    JSON.stringify({
      outcomes,
      runs,
      adapters: [typeof kafkaRun, typeof rabbitConsume],
      isOneCopy: imported.OnlyOnceError === core.OnlyOnceError,
      version: require("@onlyonce/core/package.json").version,
    }),
  );
}

main();
