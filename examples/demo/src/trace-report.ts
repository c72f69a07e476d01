import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DrawnSpan } from "./telemetry-files.js";

/** One duplicate with the work that it repeats, and what was counted. */
export function traceReport(folder: string): string {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const spans = files.filter((file) => file.endsWith(".spans.jsonl")).flatMap(spansIn);
  const counts = files.filter((file) => file.endsWith(".counts.json")).map(countsIn);
  return [...duplicateLines(spans), ...countLines(counts)].join("\n");
}

/** Of one that another process repeats, where there is one. */
export function duplicateLines(spans: readonly DrawnSpan[]): readonly string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const pairs = spans.flatMap((duplicate) => {
    const original = byId.get(duplicate.link?.spanId ?? "");
    return duplicate.outcome !== "duplicate" || original === undefined
      ? []
      : [{ duplicate, original }];
  });
  const pair =
    pairs.find(({ duplicate, original }) => duplicate.consumer !== original.consumer) ?? pairs[0];
  if (pair === undefined) return ["OpenTelemetry: no duplicate was linked to its original."];
  const { duplicate, original } = pair;
  return [
    "One duplicate, as OpenTelemetry has it:",
    `  trace ${original.traceId}`,
    `    ${original.name}  ${original.consumer}  ${original.outcome}`,
    `  trace ${duplicate.traceId}`,
    `    ${duplicate.name}  ${duplicate.consumer}  duplicate (${duplicate.kind}), ${duplicate.ageSeconds.toFixed(1)} s after the first claim`,
    `      link (${duplicate.link?.type}) to "${original.name}" of ${original.consumer}, trace ${original.traceId}`,
  ];
}

/** Summed up over all consumers. */
export function countLines(counts: readonly Readonly<Record<string, number>>[]): readonly string[] {
  const outcomes = [...new Set(counts.flatMap((each) => Object.keys(each)))].sort();
  const sums = outcomes.map((outcome) => {
    const sum = counts.reduce((all, each) => all + (each[outcome] ?? 0), 0);
    return `${outcome} ${sum.toLocaleString("en-US")}`;
  });
  return [
    `idempotency.messages, as far as consumers had exported it when they were killed: ${sums.join(" · ")}`,
  ];
}

function spansIn(file: string): readonly DrawnSpan[] {
  const lines = readFileSync(file, "utf8").split("\n");
  // The last line of a consumer that was killed may be cut short.
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as DrawnSpan];
    } catch {
      return [];
    }
  });
}

function countsIn(file: string): Readonly<Record<string, number>> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
  } catch {
    return {};
  }
}
