import type { ScenarioResult, Unit } from "./contest.js";

/** One table for each scenario, contestants below each other. Ratios are ours divided by the row's, in the first unit. */
export function tableOf(results: readonly ScenarioResult[]): string {
  const [first] = results;
  if (first === undefined) return "";
  const ours = Object.keys(first.ratios);
  const contestants = Object.keys(first.values);
  const head = [
    first.name,
    ...results.map(({ unit }) => unit),
    ...ours.map((own) => `${own} ÷ it`),
  ];
  const rows = contestants.map((contestant) => [
    contestant,
    ...results.map(({ values, unit }) => figure(values[contestant], unit)),
    ...ours.map((own) => ratio(first.ratios[own]?.[contestant])),
  ]);
  return aligned([head, ...rows]);
}

/** Columns as wide as their widest cell; all but the first flush right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function figure(value: number | undefined, unit: Unit): string {
  if (value === undefined || Number.isNaN(value)) return "";
  const digits = value < 10 || unit.endsWith("µs/message") ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

export function ratio(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "" : value.toPrecision(3);
}
