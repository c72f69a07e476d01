import { namesExposed, namesIn, readDashboards } from "./dashboard-names.js";
import { AGE_MS, DELIVERIES } from "./every-outcome.js";

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: readonly Attribute[];
  }[];
}

interface Request {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly Span[];
    }[];
  }[];
}

/** As OTLP counts kinds. */
const CONSUMER = 5;
const HISTOGRAMS = [
  "idempotency_duplicate_age_seconds",
  "idempotency_handler_duration_seconds",
  "idempotency_store_operation_duration_seconds",
];

const { queries } = readDashboards(new URL("../../../dashboards/", import.meta.url));
const asked = namesIn(queries("_seconds"));

/** What the file exporter should have written and has not: everything about the second delivery of `a`. */
export function spanComplaints(lines: string): readonly string[] {
  const ours = lines
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => (JSON.parse(line) as Request).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ scope, spans }) => (scope.name === "@onlyonce/otel" ? spans : []));
  if (ours.length !== DELIVERIES) return [`${ours.length} spans of ${DELIVERIES} deliveries`];
  const [original, duplicate] = ["processed", "duplicate"].map((outcome) =>
    ours.find((span) => {
      const { "messaging.message.id": id, "idempotency.outcome": is } = valuesOf(span.attributes);
      return id === "a" && is === outcome;
    }),
  );
  if (original === undefined || duplicate === undefined) return ["no spans of message a"];
  const { traceId, spanId } = original;
  const seen = valuesOf(duplicate.attributes);
  const keyHash = seen["idempotency.key.hash"];
  const links = duplicate.links?.map((link) => ({
    traceId: link.traceId,
    spanId: link.spanId,
    ...valuesOf(link.attributes),
  }));
  return [
    ...differences(
      "name and kind",
      [duplicate.name, duplicate.kind],
      ["process payments", CONSUMER],
    ),
    ...differences("links", links, [{ traceId, spanId, "idempotency.link.type": "original" }]),
    ...(/^[0-9a-f]{16}$/.test(String(keyHash)) ? [] : [`idempotency.key.hash: ${String(keyHash)}`]),
    ...differences(
      "attributes",
      sorted(seen),
      sorted({
        "messaging.system.name": "rabbitmq",
        "messaging.destination.name": "eu:payments",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": "a",
        "rabbitmq.destination.routing_key": "eu",
        "idempotency.message.redelivered": false,
        "idempotency.key.hash": keyHash,
        "idempotency.claim.result": "duplicate",
        "idempotency.outcome": "duplicate",
        "idempotency.duplicate.kind": "republish",
        "idempotency.result.replayed": false,
        "idempotency.duplicate.age": AGE_MS / 1000,
        "idempotency.original.trace_id": traceId,
        "idempotency.original.span_id": spanId,
        "idempotency.original.sampled": true,
      }),
    ),
  ];
}

/** What Prometheus would miss at the collector: names, labels and outcomes that `dashboards/` asks for. */
export function metricComplaints(exposition: string): readonly string[] {
  const exposed = namesExposed(exposition);
  const missing = (["metrics", "labels", "outcomes"] as const).flatMap((what) =>
    [...asked[what]].filter((name) => !exposed[what].has(name)).map((name) => `no ${name}`),
  );
  const untyped = HISTOGRAMS.filter(
    (name) =>
      !exposition.includes(`# TYPE ${name} histogram\n`) || !asked.metrics.has(`${name}_bucket`),
  ).map((name) => `${name} is no histogram, or nobody asks for it`);
  const counts = [...exposition.matchAll(/^idempotency_messages_total\{[^}]*\} (\d+)/gm)];
  const sum = counts.reduce((total, [, count]) => total + Number(count), 0);
  return [
    ...missing,
    ...untyped,
    ...(exposed.labels.has("job") ? [] : ["no label tells the job of the consumers"]),
    ...differences("deliveries", sum, DELIVERIES),
  ];
}

function valuesOf(attributes: readonly Attribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

function sorted(values: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}

function differences(what: string, seen: unknown, due: unknown): readonly string[] {
  const [is, should] = [seen, due].map((value) => JSON.stringify(value));
  return is === should ? [] : [`${what}: ${is}\n  instead of ${should}`];
}
