import { describeStore } from "@onlyonce/testing";
import { openCached } from "./local-cache-harness.js";

describeStore(
  "redis (with a local cache)",
  { open: openCached },
  { clock: "real", records: "corruptible" },
);
