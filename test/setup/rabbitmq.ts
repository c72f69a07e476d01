import type {} from "vitest";
import type { TestProject } from "vitest/node";
import type { RabbitmqInstallation } from "../servers/rabbitmq-installation.js";
import { borrowService } from "./shared-service.js";

declare module "vitest" {
  interface ProvidedContext {
    /** `amqp://…` of a real broker. Other tests use it too: keep to random queue names. */
    amqpUrl: string;
    /** For brokers of a test's own. Undefined: the RabbitMQ of this machine, else the one in the cache. */
    rabbitmqInstallation: RabbitmqInstallation | undefined;
  }
}

/** Gives the tests of a project a real RabbitMQ; without one the run fails and says what to do. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { service, giveBack } = await borrowService("rabbitmq");
  project.provide("amqpUrl", service.endpoint);
  project.provide("rabbitmqInstallation", undefined);
  return giveBack;
}
