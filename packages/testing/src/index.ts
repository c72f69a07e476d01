export { describeStore } from "./describe-store.js";
export { ManualClock } from "./manual-clock.js";
export { RecordingObserver } from "./recording-observer.js";
export type { StoreFeatures, StoreHarness, StoreUnderTest } from "./store-harness.js";
