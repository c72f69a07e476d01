import type { Finding } from "./rung-choice.js";
import type { ServiceName } from "./service.js";

/** What every rung needs to know about this run. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** Prints one line for people. */
  readonly report: (line: string) => void;
}

/** A service that answered, and how to stop it if it is ours. */
export interface Taken {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** One way to come by a service. */
export interface RungSteps {
  /** Quick, changes nothing, never throws. */
  look(name: ServiceName, surroundings: Surroundings): Promise<Finding>;
  /** Resolves once the service answers in its own protocol. */
  take(name: ServiceName, surroundings: Surroundings): Promise<Taken>;
}

/** For services that somebody else runs. */
export const notOurs = async (): Promise<void> => {};

/** This process's own environment; lines for people go to standard error. */
export function surroundings(given: Partial<Surroundings> = {}): Surroundings {
  return {
    env: given.env ?? process.env,
    report: given.report ?? ((line) => void process.stderr.write(`${line}\n`)),
  };
}
