import { readFileSync } from "node:fs";
import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { beforeAll, describe, expect, it } from "vitest";

interface Dashboard {
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: string | { readonly query: string };
      readonly options?: readonly { readonly value: string }[];
    }[];
  };
  readonly panels: readonly {
    readonly title: string;
    readonly datasource: { readonly uid: string };
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

function read(path: string): string {
  return readFileSync(new URL(`../../dashboards/${path}`, import.meta.url), "utf8");
}

const dashboard = JSON.parse(read("onlyonce.json")) as Dashboard;
const variable = (name: string) => dashboard.templating.list.find((each) => each.name === name);

/** What the targets and variables ask for, with the names of one spelling. */
function expressions(unit: string): readonly string[] {
  const queries = dashboard.templating.list
    .filter(({ type }) => type === "query")
    .map(({ query }) => (typeof query === "string" ? query : query.query));
  const targets = dashboard.panels.flatMap(({ targets: all }) => all.map(({ expr }) => expr));
  return [...queries, ...targets].map((expr) => expr.replaceAll(/\$\{unit\}/g, unit));
}

const metricNames = (text: string): string[] =>
  text.match(/\bidempotency_\w+_(?:total|bucket|count|active)\b/g) ?? [];

/** Label names: in matchers, and in `by (…)`. Labels that Prometheus itself adds are not ours to show. */
function labelNames(text: string): string[] {
  const matched = [...text.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, name = ""]) => name);
  const grouped = [...text.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(/,\s*/),
  );
  const listed = [...text.matchAll(/label_values\(\w+(?:\{[^}]*\})?, (\w+)\)/g)].map(
    ([, name = ""]) => name,
  );
  const given = new Set(["job", "le", "__name__", "otel_metric_overflow"]);
  return [...matched, ...grouped, ...listed].filter((name) => !given.has(name));
}

/** The text that Prometheus scrapes, made by one delivery of each outcome that these names need. */
async function exposition(): Promise<string> {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const dedup = createDeduplicator({
    store: memoryStore(),
    scope: "dashboards",
    observers: [otelObserver({ meterProvider })],
  });
  const delivery = { topic: "payments", id: "a", consumerGroup: "billing" };
  await dedup.process(delivery, () => undefined);
  await dedup.process(delivery, () => undefined);
  const failing = dedup.process({ ...delivery, id: "b" }, () =>
    Promise.reject(new TypeError("no")),
  );
  await expect(failing).rejects.toThrow();
  const { resourceMetrics } = await reader.collect();
  const text = new PrometheusSerializer().serialize(resourceMetrics);
  await reader.shutdown();
  await dedup.close();
  return text;
}

/** As a collector, or Prometheus' own OTLP endpoint, spells the same: with the unit in the name. */
function withUnits(text: string): string {
  const inSeconds = [...text.matchAll(/^# UNIT (\w+) s$/gm)].map(([, name = ""]) => name);
  expect(inSeconds.length).toBe(3);
  return inSeconds.reduce((all, name) => all.replaceAll(name, `${name}_seconds`), text);
}

describe("the dashboard and the alerts", () => {
  let plain = "";
  beforeAll(async () => {
    plain = await exposition();
  });

  it.each(["", "_seconds"])(
    "ask for metrics and labels that exist, with names that end in %j",
    (unit) => {
      const text = unit === "" ? plain : withUnits(plain);
      const exposed = new Set(text.match(/^idempotency_\w+/gm));
      const labels = new Set([...text.matchAll(/(\w+)="/g)].map(([, name]) => name));
      // Alerts match both spellings by a pattern.
      const alerts = read("alerts.yml").replaceAll("(_seconds)?", unit);
      const asked = [...expressions(unit), alerts];
      const names = new Set(asked.flatMap(metricNames));
      expect(names.size).toBeGreaterThanOrEqual(6);
      expect([...names].filter((name) => !exposed.has(name))).toEqual([]);
      const asking = new Set(asked.flatMap(labelNames));
      expect(asking.size).toBeGreaterThanOrEqual(5);
      expect([...asking].filter((name) => !labels.has(name))).toEqual([]);
    },
  );

  it("serve both spellings by a variable, and name no data source of somebody's", () => {
    expect(variable("unit")?.options?.map(({ value }) => value)).toEqual(["_seconds", ""]);
    for (const { datasource } of dashboard.panels) {
      expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
    }
    for (const expr of expressions("")) expect(expr).not.toContain("_seconds");
  });

  it("ask for outcomes and kinds that there are", () => {
    const text = [...expressions(""), read("alerts.yml")].join("\n");
    const outcomes = [...text.matchAll(/idempotency_outcome="(\w+)"/g)].map(([, name]) => name);
    const source = readFileSync(
      new URL("../../packages/core/src/outcome.ts", import.meta.url),
      "utf8",
    );
    expect(outcomes.length).toBeGreaterThan(5);
    expect(outcomes.filter((name) => !source.includes(`| "${name}"`))).toEqual([]);
  });
});
