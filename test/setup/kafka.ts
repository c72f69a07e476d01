import type {} from "vitest";
import type { TestProject } from "vitest/node";
import { borrowService } from "./shared-service.js";

declare module "vitest" {
  interface ProvidedContext {
    /** `host:port[,host:port]` of a real cluster. Other tests use it too: keep to random topics and groups. Topics must be created. */
    kafkaBrokers: string;
  }
}

/** Gives the tests of a project a real Kafka; without one the run fails and says what to do. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { service, giveBack } = await borrowService("kafka");
  project.provide("kafkaBrokers", service.endpoint);
  return giveBack;
}
