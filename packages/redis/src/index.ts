export type { RedisStoreOptions } from "./options.js";
export type { RedisCommands } from "./redis-commands.js";
export { redisStore } from "./redis-store.js";
