// Prints "N passed, N failed" from a vitest JSON report. Exits 1 when tests failed, or when none ran.
import { readFileSync } from "node:fs";

const [file = "test-results.json"] = process.argv.slice(2);
let passed = 0;
let failed = 0;
try {
  const report = JSON.parse(readFileSync(file, "utf8"));
  passed = report.numPassedTests;
  failed = report.numTotalTests - report.numPassedTests;
  if (!report.success && failed === 0) failed = 1;
} catch (error) {
  console.error(`no test report in ${file}: ${error.message}`);
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
