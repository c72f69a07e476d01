// For sibling packages only: outside semver.
export { keyHash } from "./channels.js";
export { systemClock } from "./clock.js";
export { createDeduplicatorWith } from "./deduplicator.js";
export { createKeyDigest } from "./message-key.js";
export {
  LONGEST_TIMER_MS,
  quote,
  refuseUnknown,
  requireFunction,
  requireInteger,
  requireObject,
  requireOneOf,
} from "./option-checks.js";
export { traitsOf } from "./store-traits.js";
