/** The real services that the demo, the tests, the benchmarks and the examples run against. */
export type ServiceName = "redis" | "rabbitmq" | "kafka";

/**
 * Where a service came from, in the order in which they are tried: named by the environment, our
 * compose project, a container engine, programs of this machine, or our private cache folder.
 */
export type Rung = "url" | "compose" | "container" | "path" | "cache";

/** A service that answers in its own protocol. */
export interface RunningService {
  readonly name: ServiceName;
  /** `redis://…`, `amqp://…`, or for Kafka `host:port[,host:port]`. */
  readonly endpoint: string;
  readonly rung: Rung;
  /** Why this rung was taken, in a few words. */
  readonly reason: string;
  /** Stops what we started; does nothing to what we only found. Twice is fine. */
  stop(): Promise<void>;
}

/**
 * No rung of the ladder gave the service.
 *
 * The message holds the exact commands that would help. Command-line callers print it and end
 * with exit code 2.
 */
export class ServiceUnavailableError extends Error {
  override readonly name = "ServiceUnavailableError";
}
