import { readFileSync } from "node:fs";

/** What of a dashboard of Grafana's we look at. */
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

/** What the queries of `dashboards/` ask Prometheus for. */
interface AskedNames {
  readonly metrics: ReadonlySet<string>;
  /** But those that Prometheus itself adds: they are not ours to show. */
  readonly labels: ReadonlySet<string>;
  readonly outcomes: ReadonlySet<string>;
}

interface Dashboards {
  readonly dashboard: Dashboard;
  /** All targets, variables and alerts, with one spelling of units. */
  queries(unit: "" | "_seconds"): readonly string[];
}

const GIVEN = new Set(["job", "le", "__name__", "otel_metric_overflow"]);

/** Reads the folder `dashboards/`. */
export function readDashboards(folder: URL): Dashboards {
  const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
  const dashboard = JSON.parse(read("onlyonce.json")) as Dashboard;
  const alerts = read("alerts.yml").replaceAll(/^#.*\n/gm, "");
  return {
    dashboard,
    queries(unit) {
      const variables = dashboard.templating.list
        .filter(({ type }) => type === "query")
        .map(({ query }) => (typeof query === "string" ? query : query.query));
      const targets = dashboard.panels.flatMap(({ targets: all }) => all.map(({ expr }) => expr));
      const spelled = [...variables, ...targets].map((expr) =>
        expr.replaceAll(/\$\{unit\}/g, unit),
      );
      // Alerts match both spellings by a pattern.
      return [...spelled, alerts.replaceAll("(_seconds)?", unit)];
    },
  };
}

export function namesIn(queries: readonly string[]): AskedNames {
  const text = queries.join("\n");
  const every = (pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(([, name = ""]) => name);
  const labels = [
    ...every(/(\w+)(?:=~|!~|!=|=)"/g),
    ...every(/by \(([^)]*)\)/g).flatMap((list) => list.split(/,\s*/)),
    ...every(/label_values\(\w+(?:\{[^}]*\})?, (\w+)\)/g),
  ];
  return {
    metrics: new Set(every(/\b(idempotency_\w+_(?:total|bucket|count|active))\b/g)),
    labels: new Set(labels.filter((name) => !GIVEN.has(name))),
    outcomes: new Set(every(/idempotency_outcome="(\w+)"/g)),
  };
}

/** What a text that Prometheus scrapes has of the same. */
export function namesExposed(exposition: string): AskedNames {
  const every = (pattern: RegExp): Set<string> =>
    new Set([...exposition.matchAll(pattern)].map(([, name = ""]) => name));
  return {
    metrics: every(/^(idempotency_\w+)/gm),
    labels: every(/(\w+)="/g),
    outcomes: every(/^idempotency_messages_total\{[^}]*idempotency_outcome="(\w+)"/gm),
  };
}
