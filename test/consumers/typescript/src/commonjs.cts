import core = require("@onlyonce/core");
import adapter = require("@onlyonce/core/adapter");
import kafka = require("@onlyonce/kafka");
import rabbitmq = require("@onlyonce/rabbitmq");
import redis = require("@onlyonce/redis");

const dedup: core.Deduplicator<"payments"> = core.createDeduplicator({
  store: core.memoryStore(),
  scope: "billing",
  topics: { payments: {} },
});

async function main(): Promise<adapter.Verdict<number>> {
  return adapter.attend(dedup, { topic: "payments", id: "p-1" }, () => 1);
}

export = {
  main,
  kafkaRun: kafka.kafkaRun,
  rabbitConsume: rabbitmq.rabbitConsume,
  redisStore: redis.redisStore,
};
