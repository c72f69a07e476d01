export { describeStore } from "./describe-store.js";
export type { StoreCall, StoreFault, StoreVerb } from "./faulty-store.js";
export { FaultyStore } from "./faulty-store.js";
export { ManualClock } from "./manual-clock.js";
export { RecordingObserver } from "./recording-observer.js";
export type { StoreFeatures, StoreHarness, StoreNeeds, StoreUnderTest } from "./store-harness.js";
export type { TcpProxy, TcpProxyOptions } from "./tcp-proxy.js";
export { startTcpProxy } from "./tcp-proxy.js";
