import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { within } from "./deadline.js";

/** A `docker` client without an engine is common, and so is an engine that hangs. */
const PROBE_LIMIT_MS = 3_000;

/** The host on which published ports of containers are reached, or why there is no engine. */
export type ContainerEngine =
  | { readonly isRunning: true; readonly host: string }
  | { readonly isRunning: false; readonly reason: string };

/** Asks the engine for its details, for three seconds at most. */
export async function probeContainerEngine(env: NodeJS.ProcessEnv): Promise<ContainerEngine> {
  // The library costs a second to load: not without a sign that it could find an engine.
  if (!hasSignOfEngine(env)) return { isRunning: false, reason: "no container engine" };
  try {
    const { getContainerRuntimeClient } = await import("testcontainers");
    const asked = within(
      getContainerRuntimeClient(),
      "Asking the container engine",
      PROBE_LIMIT_MS,
    );
    const { host } = (await asked).info.containerRuntime;
    return { isRunning: true, host: host === "localhost" ? "127.0.0.1" : host };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { isRunning: false, reason: `no container engine (${why})` };
  }
}

/** The places in which testcontainers looks for an engine. */
function hasSignOfEngine(env: NodeJS.ProcessEnv): boolean {
  if (process.platform === "win32" || (env.DOCKER_HOST ?? "") !== "") return true;
  return [
    "/var/run/docker.sock",
    join(env.XDG_RUNTIME_DIR ?? "/nonexistent", "docker.sock"),
    join("/run/user", String(process.getuid?.() ?? ""), "docker.sock"),
    join(homedir(), ".docker", "run", "docker.sock"),
    join(homedir(), ".docker", "desktop", "docker.sock"),
    join(homedir(), ".testcontainers.properties"),
  ].some((file) => existsSync(file));
}
