import { openCache } from "./cache-folder.js";
import { kafkaInCache, lookForCachedKafka } from "./kafka-installation.js";
import { startKafka } from "./kafka-process.js";
import { lookForCachedRabbitmq, rabbitmqInCache } from "./rabbitmq-installation.js";
import { startRabbitmq } from "./rabbitmq-process.js";
import { lookForCachedRedis, redisInCache } from "./redis-installation.js";
import { startRedis } from "./redis-process.js";
import type { RungSteps } from "./rung.js";

/** A private process of a program in our cache folder, fetched into it first if need be. */
export const cacheRung: RungSteps = {
  async look(name, surroundings) {
    const cache = openCache(surroundings);
    switch (name) {
      case "redis":
        return lookForCachedRedis(cache);
      case "rabbitmq":
        return lookForCachedRabbitmq(cache);
      case "kafka":
        return lookForCachedKafka(cache);
    }
  },
  async take(name, surroundings) {
    const cache = openCache(surroundings);
    switch (name) {
      case "redis": {
        const server = await startRedis({ installation: await redisInCache(cache) });
        return { endpoint: server.url, stop: server.stop };
      }
      case "rabbitmq": {
        const server = await startRabbitmq({ installation: await rabbitmqInCache(cache) });
        return { endpoint: server.url, stop: server.stop };
      }
      case "kafka": {
        const server = await startKafka({ installation: await kafkaInCache(cache) });
        return { endpoint: server.endpoint, stop: server.stop };
      }
    }
  },
};
