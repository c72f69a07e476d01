/**
 * What the store needs of a Redis client. `Redis` and `Cluster` of ioredis 5 and 6 and of iovalkey have it. Calls must
 * reach the server in the order in which they were made, for one key at least.
 */
export interface RedisCommands {
  evalsha(sha1: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  info(section: string): Promise<unknown>;
  config(subcommand: "GET", parameter: string): Promise<unknown>;
  /** True on a client that spreads keys over a Redis Cluster: a call then carries keys of one slot group only. */
  readonly isCluster?: boolean;
  /** The clients of a Cluster's single nodes. */
  nodes?(role: "master"): readonly Pick<RedisCommands, "info" | "config">[];
  /** Another client with the same settings but for these; of a Cluster: start-up nodes, settings. Needed for `replicas`. */
  duplicate?(first?: object, second?: object): unknown;
  /** Read by `check` only. */
  readonly options?: object;
}
