export type { BloomShape, CuckooBucketSize, CuckooShape } from "./filter-formulas.js";
export type { CompactLayout, KeysLayout, Layout } from "./layout-options.js";
export type { LocalCacheOptions } from "./local-cache-options.js";
export type { RedisStoreOptions } from "./options.js";
export type { CompactPlan, FilterPlan, Plan, PlanRequest } from "./plan.js";
export { plan } from "./plan.js";
export type { RedisCommands } from "./redis-commands.js";
export { redisStore } from "./redis-store.js";
