import { kafkaOnPath } from "./kafka-installation.js";
import { startKafka } from "./kafka-process.js";
import { rabbitmqOnPath } from "./rabbitmq-installation.js";
import { startRabbitmq } from "./rabbitmq-process.js";
import { redisOnPath } from "./redis-installation.js";
import { startRedis } from "./redis-process.js";
import type { RungSteps } from "./rung.js";

/** A private process of a program that this machine has. */
export const pathRung: RungSteps = {
  async look(name, { env }) {
    switch (name) {
      case "redis": {
        const found = await redisOnPath(env);
        return found === undefined
          ? { isUsable: false, reason: "redis-server is not on the path" }
          : { isUsable: true, reason: `found ${found.server}` };
      }
      case "rabbitmq": {
        const found = await rabbitmqOnPath(env);
        return found === undefined
          ? { isUsable: false, reason: "rabbitmq-server is not on the path" }
          : { isUsable: true, reason: `found ${found.sbin}/rabbitmq-server` };
      }
      case "kafka": {
        const found = await kafkaOnPath(env);
        return found === undefined
          ? { isUsable: false, reason: "kafka-server-start.sh is not on the path" }
          : { isUsable: true, reason: `found ${found.classpath}` };
      }
    }
  },
  async take(name, { env }) {
    switch (name) {
      case "redis": {
        const installation = await redisOnPath(env);
        const server = await startRedis(installation === undefined ? {} : { installation });
        return { endpoint: server.url, stop: server.stop };
      }
      case "rabbitmq": {
        const installation = await rabbitmqOnPath(env);
        const server = await startRabbitmq(installation === undefined ? {} : { installation });
        return { endpoint: server.url, stop: server.stop };
      }
      case "kafka": {
        const installation = await kafkaOnPath(env);
        const server = await startKafka(installation === undefined ? {} : { installation });
        return { endpoint: server.endpoint, stop: server.stop };
      }
    }
  },
};
