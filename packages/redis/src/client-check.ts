import type { Finding } from "@onlyonce/core";
import type { ResolvedOptions } from "./options.js";
import type { RedisCommands } from "./redis-commands.js";

/** What the client's own settings do to a guarded consumer; nothing where they can't be read. */
export function checkClient(redis: RedisCommands, options: ResolvedOptions): readonly Finding[] {
  const settings = settingsOf(redis);
  if (settings === undefined) return [];
  return [
    ...checkOfflineQueue(settings, options),
    ...checkRetries(settings, options),
    ...checkSocketTimeout(settings),
    ...checkCommandTimeout(settings, options),
    ...checkKeyPrefix(settings),
  ];
}

/** A Cluster keeps the settings of its nodes' clients one level deeper. */
function settingsOf(redis: RedisCommands): object | undefined {
  const { options } = redis;
  if (options === undefined || redis.isCluster !== true) return options;
  const nodeOptions: unknown = Reflect.get(options, "redisOptions");
  return typeof nodeOptions === "object" && nodeOptions !== null ? nodeOptions : undefined;
}

function checkOfflineQueue(settings: object, options: ResolvedOptions): Finding[] {
  const isQueueing = Reflect.get(settings, "enableOfflineQueue") !== false;
  const hasTimeout = typeof Reflect.get(settings, "commandTimeout") === "number";
  if (!isQueueing || hasTimeout) return [];
  return [
    {
      code: "client_offline_queue",
      severity: "info",
      message: `the client keeps calls while it is disconnected and sends them later: each is given up after ${options.commandTimeoutMs} ms all the same, and late copies do no harm. A client of its own with enableOfflineQueue: false notices an outage at once`,
    },
  ];
}

function checkRetries(settings: object, options: ResolvedOptions): Finding[] {
  if (Reflect.get(settings, "maxRetriesPerRequest") !== null) return [];
  return [
    {
      code: "client_retries_forever",
      severity: "info",
      message: `the client never gives a call up (maxRetriesPerRequest: null): the store does after ${options.commandTimeoutMs} ms, but the calls stay with the client and are sent when the server is back. Set maxRetriesPerRequest to a small number`,
    },
  ];
}

/** A server that vanishes without a word (its machine died, a firewall dropped it) leaves a connection that looks well. */
function checkSocketTimeout(settings: object): Finding[] {
  if (typeof Reflect.get(settings, "socketTimeout") === "number") return [];
  return [
    {
      code: "client_no_socket_timeout",
      severity: "info",
      message:
        "the client notices a connection that died in silence only when the operating system does, up to 15 minutes later, and until then every message waits, past its ACK timeout if that is shorter. Set socketTimeout (milliseconds, above commandTimeoutMs)",
    },
  ];
}

function checkCommandTimeout(settings: object, options: ResolvedOptions): Finding[] {
  const commandTimeout: unknown = Reflect.get(settings, "commandTimeout");
  if (typeof commandTimeout !== "number" || commandTimeout >= options.commandTimeoutMs) return [];
  return [
    {
      code: "client_timeout_shorter",
      severity: "info",
      message: `the client's commandTimeout (${commandTimeout} ms) is shorter than the store's commandTimeoutMs (${options.commandTimeoutMs} ms) and takes its place`,
    },
  ];
}

function checkKeyPrefix(settings: object): Finding[] {
  const keyPrefix: unknown = Reflect.get(settings, "keyPrefix");
  if (typeof keyPrefix !== "string" || !keyPrefix.includes("{")) return [];
  return [
    {
      code: "client_key_prefix_braces",
      severity: "error",
      message: `the client's keyPrefix ${JSON.stringify(keyPrefix)} holds a brace, which moves every key to one slot of a Cluster: take the braces out`,
    },
  ];
}
