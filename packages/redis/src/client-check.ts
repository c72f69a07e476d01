import type { Finding } from "@onlyonce/core";
import type { ResolvedOptions } from "./options.js";
import type { RedisCommands } from "./redis-commands.js";

/** What the client's own settings do to a guarded consumer; nothing where they can't be read. */
export function checkClient(redis: RedisCommands, options: ResolvedOptions): readonly Finding[] {
  const settings = settingsOf(redis);
  if (settings === undefined) return [];
  return [
    ...checkOfflineQueue(settings, options),
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
