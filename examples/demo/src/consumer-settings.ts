/** What the supervisor tells a consumer process. */
export interface ConsumerSettings {
  readonly name: string;
  /** Pass messages through without protection. */
  readonly isOff: boolean;
  /** Draw every delivery with OpenTelemetry. */
  readonly isTraced: boolean;
  readonly redisUrl: string;
  /** AMQP URL, or Kafka's brokers separated by commas. */
  readonly brokerUrl: string;
  /** The queue or topic to consume. */
  readonly source: string;
  /** Consumer group on Kafka, and scope of the message keys. */
  readonly group: string;
  /** Of this run's keys in Redis. */
  readonly keyPrefix: string;
  readonly ledger: string;
  readonly journal: string;
}

/** What the supervisor says later. */
export type Order = "join" | "stop";

/** What a consumer process says: it is inside its handler, with the effect still to come. */
export interface Begun {
  readonly taskId: string;
}

const VARIABLE = "ONLYONCE_DEMO_CONSUMER";

/** As an environment variable: other users can read a command line, and URLs may hold passwords. */
export function toEnvironment(settings: ConsumerSettings): NodeJS.ProcessEnv {
  return { ...process.env, [VARIABLE]: JSON.stringify(settings) };
}

export function fromEnvironment(): ConsumerSettings {
  const text = process.env[VARIABLE];
  if (text === undefined)
    throw new Error("this is a part of the demo: start it with `npm run demo`");
  return JSON.parse(text) as ConsumerSettings;
}
