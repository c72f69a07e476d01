import { cacheRung } from "./cache-rung.js";
import { composeRung } from "./compose-rung.js";
import { containerRung } from "./container-rung.js";
import { pathRung } from "./path-rung.js";
import { type RungSteps, type Surroundings, surroundings } from "./rung.js";
import { chooseRung, type Finding, type Findings, forcedRung } from "./rung-choice.js";
import {
  type Rung,
  type RunningService,
  type ServiceName,
  ServiceUnavailableError,
} from "./service.js";
import { unavailableMessage } from "./unavailable-message.js";
import { urlRung } from "./url-rung.js";

const STEPS = {
  url: urlRung,
  compose: composeRung,
  container: containerRung,
  path: pathRung,
  cache: cacheRung,
} as const satisfies Record<Rung, RungSteps>;

/** Defaults: this process's environment, and lines on standard error. */
export type FindOptions = Partial<Surroundings>;

/**
 * Finds or starts a service and says in one line which rung it took and why.
 *
 * Rejects with {@link ServiceUnavailableError} when no rung gives it, and with RangeError when
 * `ONLYONCE_SERVICES` is not a rung. What it started lives until `stop`, or until this process ends
 * in whatever way.
 */
export async function findService(
  name: ServiceName,
  options: FindOptions = {},
): Promise<RunningService> {
  const around = surroundings(options);
  const forced = forcedRung(around.env);
  const findings: { -readonly [R in keyof Findings]: Finding } = {};
  for (;;) {
    const choice = chooseRung(findings, forced);
    if (choice.step === "give up") {
      throw new ServiceUnavailableError(unavailableMessage(name, findings, around.env));
    }
    const { rung } = choice;
    if (choice.step === "look") {
      findings[rung] = await STEPS[rung].look(name, around);
      continue;
    }
    try {
      const { endpoint, stop } = await STEPS[rung].take(name, around);
      around.report(`${name}: ${rung}, ${withoutPassword(endpoint)} (${choice.reason})`);
      return { name, endpoint, rung, reason: choice.reason, stop };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      findings[rung] = { isUsable: false, reason: `${findings[rung]?.reason}, but: ${why}` };
      // A service that somebody named is that one or none.
      if (rung === "url") {
        throw new ServiceUnavailableError(unavailableMessage(name, findings, around.env), {
          cause: error,
        });
      }
    }
  }
}

/** What {@link findServices} found, by name. */
export interface FoundServices<N extends ServiceName> {
  readonly services: Readonly<Record<N, RunningService>>;
  /** Stops those that we started. */
  stop(): Promise<void>;
}

/** Finds several services at the same time; if one is not to be had, the others are stopped. */
export async function findServices<N extends ServiceName>(
  names: readonly N[],
  options: FindOptions = {},
): Promise<FoundServices<N>> {
  const attempts = await Promise.allSettled(names.map((name) => findService(name, options)));
  const found = attempts.flatMap((attempt) =>
    attempt.status === "fulfilled" ? [attempt.value] : [],
  );
  const errors = attempts.flatMap((attempt): unknown[] =>
    attempt.status === "rejected" ? [attempt.reason] : [],
  );
  const stop = async (): Promise<void> => {
    await Promise.all(found.map((service) => service.stop()));
  };
  if (errors.length > 0) {
    await stop();
    throw joined(errors);
  }
  const services = Object.fromEntries(found.map((service) => [service.name, service]));
  return { services: services as Record<N, RunningService>, stop };
}

/** One message for everything that is missing. */
function joined(errors: readonly unknown[]): unknown {
  const unexpected = errors.find((error) => !(error instanceof ServiceUnavailableError));
  if (unexpected !== undefined || errors.length === 1) return unexpected ?? errors[0];
  const messages = errors.map((error) => (error instanceof Error ? error.message : ""));
  return new ServiceUnavailableError(messages.join("\n\n"), { cause: errors[0] });
}

/** A given URL may hold a secret. */
function withoutPassword(endpoint: string): string {
  return endpoint.replace(/(\/\/[^:@/]*):[^@]*@/, "$1:***@");
}
