import { randomUUID } from "node:crypto";
import { createDeduplicator, header } from "@onlyonce/core";
import { kafkaRun } from "@onlyonce/kafka";
import { redisStore } from "@onlyonce/redis";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { expect, inject, it, onTestFinished } from "vitest";
import { until } from "../servers/deadline.js";

it("a kafkajs consumer that is stopped while a partition rests and then run again tries the message again, and the former rest harms nothing", async () => {
  const name = randomUUID();
  const topic = `stop-${name}`;
  const kafka = new Kafka({
    brokers: inject("kafkaBrokers").split(","),
    logLevel: logLevel.NOTHING,
  });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  const consumer = kafka.consumer({ groupId: `group-${name}`, maxWaitTimeInMs: 200 });
  const redis = new Redis(inject("redisUrl"));
  const dedup = createDeduplicator({
    store: redisStore(redis, { prefix: `t${name}:` }),
    scope: name,
    defaults: { key: header("id"), ackTimeoutMs: 60_000 },
    observers: [{}],
  });
  onTestFinished(async () => {
    await consumer.disconnect();
    await dedup.close();
    await redis.quit();
    await admin.deleteTopics({ topics: [topic] });
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  });
  await Promise.all([admin.connect(), producer.connect(), consumer.connect()]);
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  const send = async (...ids: readonly string[]): Promise<void> => {
    await producer.send({ topic, messages: ids.map((id) => ({ value: id, headers: { id } })) });
  };
  await send("o1", "o2");

  const attempts: string[] = [];
  const restMs = 1_500;
  let restsUntilMs: number | undefined;
  const run = kafkaRun(
    dedup,
    {
      eachMessage: async ({ message }, { attempt }) => {
        attempts.push(`${message.value} ${attempt}`);
        if (attempts.length === 1) throw new Error("the warehouse is closed");
      },
    },
    {
      retryDelayMs: () => {
        restsUntilMs ??= performance.now() + restMs;
        return restMs;
      },
    },
  );
  const within = { limitMs: 40_000 };
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run(run);
  await until(() => restsUntilMs, { what: "A rest", ...within });
  await consumer.stop();
  await consumer.run(run);
  await until(() => attempts[2], { what: "The messages", ...within });
  await until(() => performance.now() > (restsUntilMs ?? 0) + 300 || undefined, {
    what: "The end of the former rest",
    ...within,
  });
  await send("o3");
  await until(() => attempts[3], { what: "A message after the former rest", ...within });
  expect(attempts).toEqual(["o1 1", "o1 2", "o2 1", "o3 1"]);
  await until(
    async () => {
      const [offsets] = await admin.fetchOffsets({ groupId: `group-${name}`, topics: [topic] });
      return offsets?.partitions[0]?.offset === "3" || undefined;
    },
    { what: "The commit", ...within },
  );
});
