import type { Copy } from "./workload.js";

/** A queue or topic of this run's own. */
export interface Broker {
  /** Its name. */
  readonly source: string;
  /** Resolves when the broker has confirmed every copy. */
  publish(copies: readonly Copy[]): Promise<void>;
  /** How many messages nobody has settled. RabbitMQ does not count those that consumers hold. */
  left(): Promise<number>;
  /** Leaves nothing of this run behind, and closes the connection. */
  remove(): Promise<void>;
}
