import type { ReplicaWait } from "@onlyonce/core";
import type { RedisCommands } from "./redis-commands.js";
import { notReplicated } from "./store-error.js";

/** What a lane sends through. */
export type ScriptCommands = Pick<RedisCommands, "evalsha" | "eval" | "isCluster">;

/** A client as `duplicate` of ioredis makes it. */
interface Duplicate extends ScriptCommands {
  pipeline(commands: unknown[][]): { exec(): Promise<readonly (readonly unknown[])[] | null> };
  on(event: "error", listener: () => void): unknown;
  disconnect(): void;
}

const METHODS = ["evalsha", "eval", "pipeline", "on", "disconnect"] as const;

/** Whether a client can be asked for a connection of its own that waits. */
export function canWait(redis: RedisCommands): boolean {
  return (
    typeof redis.duplicate === "function" && typeof Reflect.get(redis, "pipeline") === "function"
  );
}

/**
 * What the copy of the client must not do: send a WAIT again by itself, without the script before it. On a new connection
 * it would count the replicas of whatever server answers there, none of which need have the change.
 */
const SETTINGS = {
  autoResendUnfulfilledCommands: false,
  reconnectOnError: null,
  enableAutoPipelining: false,
  enableOfflineQueue: true,
  commandTimeout: undefined,
} as const;

/** Answers of a Cluster's node that the client follows for a single command, but not for two in one pipeline. */
const REDIRECTED = /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/;

/**
 * Writes, so that there is something to wait for. WAIT is about the last write of its own connection, and a copy of a
 * call may write nothing: up to Redis 7.0 every command counted, later ones don't. The key expires. On a full server too,
 * where completions are recorded all the same.
 */
const MARK = "#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], '', 'PX', 60000)";

/**
 * A connection whose script calls are answered once enough replicas have what the server had by then, and reject
 * otherwise. A connection of its own, because WAIT blocks the one that waits, and all that is behind it. It ends with the
 * client that it was copied from.
 */
export class WaitingConnection implements ScriptCommands {
  readonly isCluster: boolean;
  readonly #client: Duplicate;
  readonly #wait: ReplicaWait;

  constructor(redis: RedisCommands, wait: ReplicaWait, onEnd: () => void) {
    this.isCluster = redis.isCluster === true;
    this.#wait = wait;
    const client =
      redis.isCluster === true
        ? redis.duplicate?.([], { redisOptions: SETTINGS })
        : redis.duplicate?.(SETTINGS);
    if (!isDuplicate(client)) {
      throw new TypeError("the client's duplicate() gave no client that can wait for replicas");
    }
    this.#client = client;
    client.on("error", () => undefined);
    const once: unknown = Reflect.get(redis, "once");
    if (typeof once === "function") once.call(redis, "end", onEnd);
  }

  evalsha(sha1: string, keyCount: number, ...rest: string[]): Promise<unknown> {
    return this.#send("evalsha", sha1, keyCount, rest);
  }

  eval(script: string, keyCount: number, ...rest: string[]): Promise<unknown> {
    return this.#send("eval", script, keyCount, rest);
  }

  /** How many replicas it waits for. */
  get min(): number {
    return this.#wait.min;
  }

  close(): void {
    this.#client.disconnect();
  }

  async #send(
    command: "evalsha" | "eval",
    script: string,
    keyCount: number,
    rest: string[],
  ): Promise<unknown> {
    try {
      return await this.#sendAndWait(command, script, keyCount, rest);
    } catch (error) {
      if (!this.isCluster || !(error instanceof Error) || !REDIRECTED.test(error.message)) {
        throw error;
      }
    }
    // Alone it is redirected, and the client learns where the slot is. Every call may be executed twice.
    await this.#client[command](script, keyCount, ...rest);
    return this.#sendAndWait(command, script, keyCount, rest);
  }

  /** Replicas that have the mark have all that the server had before it, whoever wrote it. */
  async #sendAndWait(
    command: "evalsha" | "eval",
    script: string,
    keyCount: number,
    rest: readonly string[],
  ): Promise<unknown> {
    const { min, timeoutMs } = this.#wait;
    const [key = ""] = rest;
    const results = await this.#client
      .pipeline([
        [command, script, keyCount, ...rest],
        ["eval", MARK, 1, `${key.slice(0, key.indexOf("}") + 1)}.wait`],
        ["wait", min, timeoutMs],
      ])
      .exec();
    const [changed, marked, waited] = results ?? [];
    for (const result of [changed, marked, waited]) {
      const error = result?.[0];
      if (error instanceof Error) throw error;
    }
    const count = Number(waited?.[1] ?? 0);
    if (count < min) throw notReplicated(count, this.#wait);
    return changed?.[1];
  }
}

function isDuplicate(client: unknown): client is Duplicate {
  if (typeof client !== "object" || client === null) return false;
  return METHODS.every((method) => typeof Reflect.get(client, method) === "function");
}
