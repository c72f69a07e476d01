import { describeStore } from "@onlyonce/testing";
import { COMPACT_FEATURES, compactHarness } from "./compact-harness.js";

/** Longer than any test: copies of completions are answered like the first ones. */
const KEEP_RECORDS_MS = 60_000;

describeStore("redis, compact layout", compactHarness(KEEP_RECORDS_MS), COMPACT_FEATURES);
