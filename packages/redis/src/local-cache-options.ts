import { refuseUnknown, requireInteger, requireObject } from "@onlyonce/core/internal";

/** Keys that this process completed, kept in its memory so that hot duplicates of them cost no call. */
export interface LocalCacheOptions {
  /** Most keys in memory, 2 to 10,000,000; 300 to 400 bytes each. What was used last stays. */
  readonly maxKeys: number;
  /**
   * How long the store's word about a key is good, in milliseconds, 1 to 86,400,000: so late a `forget` by another
   * process, or a record that Redis lost, is seen here. Never beyond the window of the record.
   * @defaultValue 60_000
   */
  readonly maxAgeMs?: number;
}

export type ResolvedLocalCache = Required<LocalCacheOptions>;

export function resolveLocalCache(options: unknown): ResolvedLocalCache {
  requireObject("localCache", options);
  refuseUnknown("localCache", options, ["maxKeys", "maxAgeMs"]);
  const { maxKeys, maxAgeMs = 60_000 } = options;
  return {
    maxKeys: requireInteger("localCache.maxKeys", maxKeys, 2, 10_000_000),
    maxAgeMs: requireInteger("localCache.maxAgeMs", maxAgeMs, 1, 86_400_000),
  };
}
