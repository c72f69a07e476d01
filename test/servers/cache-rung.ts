import { openCache } from "./cache-folder.js";
import { PRIVATE_SERVICES } from "./private-service.js";
import type { RungSteps } from "./rung.js";

/** A private process of a program in our cache folder, fetched into it first if need be. */
export const cacheRung: RungSteps = {
  look: (name, surroundings) => PRIVATE_SERVICES[name].lookInCache(openCache(surroundings)),
  take: (name, surroundings) => PRIVATE_SERVICES[name].startFromCache(openCache(surroundings)),
};
