import { describe } from "vitest";
import { describeAttempts } from "./describe-attempts.js";
import { describeBare } from "./describe-bare.js";
import { describeContention } from "./describe-contention.js";
import { describeDamage } from "./describe-damage.js";
import { describeFingerprints } from "./describe-fingerprints.js";
import { describeIsolation } from "./describe-isolation.js";
import { describeLateCopies } from "./describe-late-copies.js";
import { describeOperators } from "./describe-operators.js";
import { describeRecordTable } from "./describe-record-table.js";
import { describeRecords } from "./describe-records.js";
import { describeRemember } from "./describe-remember.js";
import { describeWindows } from "./describe-windows.js";
import { type StoreFeatures, type StoreHarness, storeTest } from "./store-harness.js";

/**
 * Registers the tests that every store must pass: each cell of the record table, late and double copies, contention,
 * windows, fingerprints, results, origins, operators' calls. To be called in a vitest file, once per store.
 */
export function describeStore(name: string, harness: StoreHarness, features: StoreFeatures): void {
  describe(name, () => {
    const test = storeTest(harness, features);
    describeRecordTable(test, features);
    describeLateCopies(test);
    describeAttempts(test);
    describeContention(test);
    describeWindows(harness, features);
    describeRecords(test, features);
    if (features.completed === "bare") describeBare(harness, features);
    else describeFingerprints(test);
    describeRemember(test, features);
    describeIsolation(test);
    describeOperators(test, features);
    if (features.records === "corruptible") describeDamage(test);
  });
}
