import { randomBytes } from "node:crypto";
import type { ClaimRequest, Held } from "@onlyonce/core";
import { Redis, type RedisOptions } from "ioredis";
import { inject, onTestFinished } from "vitest";
import { type RedisCommands, type RedisStoreOptions, redisStore } from "../src/index.js";

/** A prefix of its own for every test: the server is shared. */
export function ownPrefix(): string {
  return `t${randomBytes(6).toString("base64url")}:`;
}

/** Where the store keeps a key. */
export function recordKey(prefix: string, key: string): string {
  return `${prefix}{${key.slice(0, 1)}}${key.slice(1)}`;
}

/** A client that is closed with the test. */
export function client(
  options: Omit<RedisOptions, "replyMapping"> = {},
  url: string = inject("redisUrl"),
): Redis {
  const redis = new Redis(url, options);
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** A store over a client of its own, with a prefix of its own. */
export function lab(options: RedisStoreOptions = {}, commands?: RedisCommands) {
  const redis = client();
  const prefix = options.prefix ?? ownPrefix();
  const store = redisStore(commands ?? redis, { ...options, prefix });
  return { redis, prefix, store, recordKey: (key: string) => recordKey(prefix, key) };
}

export function newKey(): string {
  return randomBytes(16).toString("base64url");
}

export function newKeys(count: number): string[] {
  return Array.from({ length: count }, newKey);
}

export function claimOf(key: string, overrides: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    key,
    token: randomBytes(9).toString("base64url"),
    leaseMs: 60_000,
    windowMs: 600_000,
    origin: {},
    ...overrides,
  };
}

export function heldOf(request: ClaimRequest, grant = 1): Held {
  return { ...request, grant };
}

/** The real client, counting the script calls that it is asked for. */
export class CountingCommands implements RedisCommands {
  readonly calls: { readonly script: string; readonly keys: readonly string[] }[] = [];
  readonly #redis: RedisCommands;

  constructor(redis: RedisCommands) {
    this.#redis = redis;
  }

  evalsha(sha1: string, keyCount: number, ...rest: string[]): Promise<unknown> {
    this.calls.push({ script: sha1, keys: rest.slice(0, keyCount) });
    return this.#redis.evalsha(sha1, keyCount, ...rest);
  }

  eval(script: string, keyCount: number, ...rest: string[]): Promise<unknown> {
    return this.#redis.eval(script, keyCount, ...rest);
  }

  info(section: string): Promise<unknown> {
    return this.#redis.info(section);
  }

  config(subcommand: "GET", parameter: string): Promise<unknown> {
    return this.#redis.config(subcommand, parameter);
  }
}
