import type {} from "vitest";
import type { TestProject } from "vitest/node";
import { borrowService } from "./shared-service.js";

declare module "vitest" {
  interface ProvidedContext {
    /** `redis://…` of a real server. Other tests use it too: keep to a random prefix. */
    redisUrl: string;
  }
}

/** Gives the tests of a project a real Redis; without one the run fails and says what to do. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { service, giveBack } = await borrowService("redis");
  project.provide("redisUrl", service.endpoint);
  return giveBack;
}
