import { describeStoreModel } from "@onlyonce/testing/model";
import { openCached } from "./local-cache-harness.js";

const { ONLYONCE_SEED, ONLYONCE_RUNS } = process.env;

describeStoreModel(
  "redis (with a local cache)",
  { open: openCached },
  { clock: "real", records: "corruptible" },
  {
    ...(ONLYONCE_SEED && { seed: Number(ONLYONCE_SEED) }),
    ...(ONLYONCE_RUNS && { runs: Number(ONLYONCE_RUNS) }),
  },
);
