import { quote, refuseUnknown, requireInteger, requireObject } from "@onlyonce/core/internal";
import { type Layout, resolveLayout, type Slices } from "./layout-options.js";
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
  /**
   * How completed keys are kept: a record each, or in a tenth of the memory and with less to tell. One layout for all
   * stores that share a prefix.
   * @defaultValue `{ kind: "keys" }`
   */
  readonly layout?: Layout;
}

export interface ResolvedOptions
  extends Required<Omit<RedisStoreOptions, "localCache" | "layout">> {
  readonly localCache: ResolvedLocalCache | undefined;
  /** Undefined: one record for each key. */
  readonly slices: Slices | undefined;
}

const DEFAULTS = {
  prefix: "once:",
  commandTimeoutMs: 1000,
  maxKeysPerCall: 128,
  maxCallsInFlight: 4,
  localCache: undefined,
  slices: undefined,
} satisfies ResolvedOptions;

const NAMES = [
  "prefix",
  "commandTimeoutMs",
  "maxKeysPerCall",
  "maxCallsInFlight",
  "localCache",
  "layout",
] as const satisfies readonly (keyof RedisStoreOptions)[];

/** Printable ASCII but for braces, which would move the slot, and the space. */
const PREFIX = /^[!-z|~]{0,64}$/;

export function resolveOptions(options: RedisStoreOptions): ResolvedOptions {
  requireObject("options of redisStore", options);
  refuseUnknown("options of redisStore", options, NAMES);
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
    slices: options.layout === undefined ? undefined : resolveLayout(options.layout),
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
