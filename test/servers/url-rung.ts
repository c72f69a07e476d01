import { protocolAnswer } from "./protocol-answer.js";
import { notOurs, type RungSteps } from "./rung.js";
import type { ServiceName } from "./service.js";

/** The variables that name a service. */
export const URL_VARIABLES = {
  redis: "REDIS_URL",
  rabbitmq: "AMQP_URL",
  kafka: "KAFKA_BROKERS",
} as const satisfies Record<ServiceName, string>;

/** A service named by the environment. A name that does not answer is an error, never passed over. */
export const urlRung: RungSteps = {
  async look(name, { env }) {
    const variable = URL_VARIABLES[name];
    const isUsable = (env[variable] ?? "") !== "";
    return { isUsable, reason: `${variable} is ${isUsable ? "set" : "not set"}` };
  },
  async take(name, { env }) {
    const endpoint = env[URL_VARIABLES[name]] ?? "";
    await protocolAnswer(name, endpoint, 10_000);
    return { endpoint, stop: notOurs };
  },
};
