import { readFileSync } from "node:fs";
import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { beforeAll, describe, expect, it } from "vitest";
import { namesExposed, namesIn, readDashboards } from "../telemetry/dashboard-names.js";

const { dashboard, queries } = readDashboards(new URL("../../dashboards/", import.meta.url));
const variable = (name: string) => dashboard.templating.list.find((each) => each.name === name);

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

  it.each(["", "_seconds"] as const)(
    "ask for metrics and labels that exist, with names that end in %j",
    (unit) => {
      const exposed = namesExposed(unit === "" ? plain : withUnits(plain));
      const asked = namesIn(queries(unit));
      expect(asked.metrics.size).toBeGreaterThanOrEqual(6);
      expect([...asked.metrics].filter((name) => !exposed.metrics.has(name))).toEqual([]);
      expect(asked.labels.size).toBeGreaterThanOrEqual(5);
      expect([...asked.labels].filter((name) => !exposed.labels.has(name))).toEqual([]);
    },
  );

  it("serve both spellings by a variable, and name no data source of somebody's", () => {
    expect(variable("unit")?.options?.map(({ value }) => value)).toEqual(["_seconds", ""]);
    for (const { datasource } of dashboard.panels) {
      expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
    }
    for (const query of queries("")) expect(query).not.toContain("_seconds");
  });

  it("ask for outcomes and kinds that there are", () => {
    const { outcomes } = namesIn(queries(""));
    const source = readFileSync(
      new URL("../../packages/core/src/outcome.ts", import.meta.url),
      "utf8",
    );
    expect(outcomes.size).toBeGreaterThanOrEqual(6);
    expect([...outcomes].filter((name) => !source.includes(`| "${name}"`))).toEqual([]);
  });
});
