import type { Cache } from "./cache-folder.js";
import { kafkaInCache, kafkaOnPath, lookForCachedKafka } from "./kafka-installation.js";
import { startKafka } from "./kafka-process.js";
import { lookForCachedRabbitmq, rabbitmqInCache, rabbitmqOnPath } from "./rabbitmq-installation.js";
import { startRabbitmq } from "./rabbitmq-process.js";
import { lookForCachedRedis, redisInCache, redisOnPath } from "./redis-installation.js";
import { startRedis } from "./redis-process.js";
import type { Taken } from "./rung.js";
import type { Finding } from "./rung-choice.js";
import type { ServiceName } from "./service.js";

/** A service run as a private process, from either of the places that hold its programs. */
export interface PrivateService {
  lookOnPath(env: NodeJS.ProcessEnv): Promise<Finding>;
  startFromPath(env: NodeJS.ProcessEnv): Promise<Taken>;
  lookInCache(cache: Cache): Promise<Finding>;
  startFromCache(cache: Cache): Promise<Taken>;
}

/** `I` says where the programs are. */
interface Steps<I> {
  readonly program: string;
  onPath(env: NodeJS.ProcessEnv): Promise<I | undefined>;
  /** The file that was found, for people. */
  foundFile(installation: I): string;
  lookInCache(cache: Cache): Promise<Finding>;
  inCache(cache: Cache): Promise<I>;
  start(installation: I): Promise<Taken>;
}

function privateService<I>(steps: Steps<I>): PrivateService {
  return {
    async lookOnPath(env) {
      const found = await steps.onPath(env);
      return found === undefined
        ? { isUsable: false, reason: `${steps.program} is not on the path` }
        : { isUsable: true, reason: `found ${steps.foundFile(found)}` };
    },
    async startFromPath(env) {
      const found = await steps.onPath(env);
      if (found === undefined) throw new Error(`${steps.program} is not on the path`);
      return steps.start(found);
    },
    lookInCache: steps.lookInCache,
    startFromCache: async (cache) => steps.start(await steps.inCache(cache)),
  };
}

export const PRIVATE_SERVICES: Readonly<Record<ServiceName, PrivateService>> = {
  redis: privateService({
    program: "redis-server",
    onPath: redisOnPath,
    foundFile: ({ server }) => server,
    lookInCache: lookForCachedRedis,
    inCache: redisInCache,
    async start(installation) {
      const { url, stop } = await startRedis({ installation });
      return { endpoint: url, stop };
    },
  }),
  rabbitmq: privateService({
    program: "rabbitmq-server",
    onPath: rabbitmqOnPath,
    foundFile: ({ sbin }) => `${sbin}/rabbitmq-server`,
    lookInCache: lookForCachedRabbitmq,
    inCache: rabbitmqInCache,
    async start(installation) {
      const { url, stop } = await startRabbitmq({ installation });
      return { endpoint: url, stop };
    },
  }),
  kafka: privateService({
    program: "kafka-server-start.sh",
    onPath: kafkaOnPath,
    foundFile: ({ classpath }) => classpath,
    lookInCache: lookForCachedKafka,
    inCache: kafkaInCache,
    start: (installation) => startKafka({ installation }),
  }),
};
