import type { TestProject } from "vitest/node";
import { openCache } from "../servers/cache-folder.js";
import { rabbitmq4InCache } from "../servers/rabbitmq-installation.js";
import { startRabbitmq } from "../servers/rabbitmq-process.js";
import { surroundings } from "../servers/rung.js";
// Brings the types of what is provided here.
import type {} from "../setup/rabbitmq.js";

/** Gives the tests a RabbitMQ 4.0 of their own, whichever version this machine has. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { env, report } = surroundings();
  const installation = await rabbitmq4InCache(openCache({ env, report }));
  const server = await startRabbitmq({ installation });
  report(`rabbitmq: ${(await server.ctl(["-q", "version"])).trim()} on port ${server.port}`);
  project.provide("amqpUrl", server.url);
  project.provide("rabbitmqInstallation", installation);
  return server.stop;
}
