export type { StoreModelOptions } from "./describe-store-model.js";
export { describeStoreModel } from "./describe-store-model.js";
export type { StoreFeatures, StoreHarness, StoreNeeds, StoreUnderTest } from "./store-harness.js";
