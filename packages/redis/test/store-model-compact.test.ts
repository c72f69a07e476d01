import { describeStoreModel } from "@onlyonce/testing/model";
import { COMPACT_FEATURES, compactHarness } from "./compact-harness.js";

const { ONLYONCE_SEED, ONLYONCE_RUNS } = process.env;

/** Records of completed keys go as soon as they may, which after a short lease is at once. */
describeStoreModel("redis, compact layout", compactHarness(0), COMPACT_FEATURES, {
  ...(ONLYONCE_SEED && { seed: Number(ONLYONCE_SEED) }),
  ...(ONLYONCE_RUNS && { runs: Number(ONLYONCE_RUNS) }),
});
