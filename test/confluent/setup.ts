import type {} from "vitest";
import type { TestProject } from "vitest/node";
import { openCache } from "../servers/cache-folder.js";
import { surroundings } from "../servers/rung.js";
import { confluentFolder } from "./confluent-client.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Where Confluent's client is installed; undefined: kafkajs is used. */
    confluentFolder: string | undefined;
  }
}

/** Has the consumers of a project use Confluent's client instead of kafkajs. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide("confluentFolder", await confluentFolder(openCache(surroundings())));
}
