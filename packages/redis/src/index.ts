export type { CompactLayout, KeysLayout, Layout } from "./layout-options.js";
export type { LocalCacheOptions } from "./local-cache-options.js";
export type { RedisStoreOptions } from "./options.js";
export type { RedisCommands } from "./redis-commands.js";
export { redisStore } from "./redis-store.js";
