import { quote, refuseUnknown, requireInteger, requireObject } from "@onlyonce/core/internal";
import {
  type LocalCacheOptions,
  type ResolvedLocalCache,
  resolveLocalCache,
} from "./local-cache-options.js";

export interface RedisStoreOptions {
  /**
   * Starts every key; 0 to 64 printable ASCII characters without braces and spaces. Up to 6 characters cost no memory;
   * longer ones cost 16 bytes a record or more.
   * @defaultValue "once:"
   */
  readonly prefix?: string;
  /**
   * How long a call may take before it rejects, in milliseconds, time in the queue included. At least 5, and at most a
   * sixth of the shortest lease. A reply that comes later is ignored.
   * @defaultValue 1000
   */
  readonly commandTimeoutMs?: number;
  /**
   * Most keys in one script call, 1 to 1000. More keys raise throughput a little and hold the server longer.
   * @defaultValue 128
   */
  readonly maxKeysPerCall?: number;
  /**
   * Most script calls under way at once, 1 to 64; in a Cluster, for each of the 64 slot groups. What is asked for in the
   * meantime travels together in the next call.
   * @defaultValue 4
   */
  readonly maxCallsInFlight?: number;
  /**
   * Answers duplicates of keys that this process completed itself from its own memory, also while Redis is down. A
   * `forget` by another process is seen up to `maxAgeMs` later. Claims never come from there.
   * @defaultValue none
   */
  readonly localCache?: LocalCacheOptions;
}

export interface ResolvedOptions extends Required<Omit<RedisStoreOptions, "localCache">> {
  readonly localCache: ResolvedLocalCache | undefined;
}

const DEFAULTS = {
  prefix: "once:",
  commandTimeoutMs: 1000,
  maxKeysPerCall: 128,
  maxCallsInFlight: 4,
  localCache: undefined,
} satisfies ResolvedOptions;

/** Printable ASCII but for braces, which would move the slot, and the space. */
const PREFIX = /^[!-z|~]{0,64}$/;

export function resolveOptions(options: RedisStoreOptions): ResolvedOptions {
  requireObject("options of redisStore", options);
  refuseUnknown("options of redisStore", options, Object.keys(DEFAULTS));
  const prefix: unknown = options.prefix ?? DEFAULTS.prefix;
  if (typeof prefix !== "string")
    throw new TypeError(`prefix must be a string, got ${quote(prefix)}`);
  if (!PREFIX.test(prefix)) {
    throw new RangeError(
      `prefix must be at most 64 printable ASCII characters without braces and spaces, got ${quote(prefix)}`,
    );
  }
  return {
    prefix,
    commandTimeoutMs: whole("commandTimeoutMs", options.commandTimeoutMs, 5, 3_600_000),
    maxKeysPerCall: whole("maxKeysPerCall", options.maxKeysPerCall, 1, 1000),
    maxCallsInFlight: whole("maxCallsInFlight", options.maxCallsInFlight, 1, 64),
    localCache:
      options.localCache === undefined ? undefined : resolveLocalCache(options.localCache),
  };

  function whole(
    name: "commandTimeoutMs" | "maxKeysPerCall" | "maxCallsInFlight",
    value: unknown,
    min: number,
    max: number,
  ): number {
    return requireInteger(name, value === undefined ? DEFAULTS[name] : value, min, max);
  }
}
