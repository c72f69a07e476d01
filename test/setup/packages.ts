import type {} from "vitest";
import type { TestProject } from "vitest/node";
import { findNodeRuntimes, type NodeRuntime } from "../consumers/node-runtimes.js";
import { packAll, type Tarballs } from "../consumers/tarballs.js";

declare module "vitest" {
  interface ProvidedContext {
    /** What would be published now. */
    tarballs: Tarballs;
    /** The lines of Node.js that we support, as far as they can be had here. */
    nodeRuntimes: readonly NodeRuntime[];
  }
}

/** Packs our packages, and finds the versions of Node.js to use them on. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { tarballs, remove } = await packAll();
  project.provide("tarballs", tarballs);
  project.provide("nodeRuntimes", await findNodeRuntimes());
  return remove;
}
