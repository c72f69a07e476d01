import { findService, type RunningService, type ServiceName } from "../servers/index.js";

/** A service lent to one project of this run. */
export interface Loan {
  readonly service: RunningService;
  /** Stops the service once nobody else has it. */
  giveBack(): Promise<void>;
}

interface Shared {
  readonly service: Promise<RunningService>;
  users: number;
}

/** Each project loads this file anew, but all of them run in one process. */
const REGISTRY = Symbol.for("@onlyonce/test.shared-services");

/** Finds the service, or joins in if another project of this run has it already. */
export async function borrowService(name: ServiceName): Promise<Loan> {
  const registry = sharedServices();
  const shared = registry.get(name) ?? { service: findService(name), users: 0 };
  registry.set(name, shared);
  shared.users += 1;
  const service = await shared.service;
  return {
    service,
    async giveBack() {
      shared.users -= 1;
      if (shared.users > 0) return;
      registry.delete(name);
      await service.stop();
    },
  };
}

function sharedServices(): Map<ServiceName, Shared> {
  const home = globalThis as { [REGISTRY]?: Map<ServiceName, Shared> };
  home[REGISTRY] ??= new Map();
  return home[REGISTRY];
}
