import { PRIVATE_SERVICES } from "./private-service.js";
import type { RungSteps } from "./rung.js";

/** A private process of a program that this machine has. */
export const pathRung: RungSteps = {
  look: (name, { env }) => PRIVATE_SERVICES[name].lookOnPath(env),
  take: (name, { env }) => PRIVATE_SERVICES[name].startFromPath(env),
};
