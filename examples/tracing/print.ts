import type { Attributes } from "@opentelemetry/api";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

const KINDS = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"] as const;

/** The trace that a span is in, as a tree, with what its spans say of idempotency. */
export function traceTree(all: readonly ReadableSpan[], traceId: string): readonly string[] {
  const traceIds = [...new Set(all.map((span) => span.spanContext().traceId))];
  const numberOf = (id: string): number => traceIds.indexOf(id) + 1;
  const spans = all.filter((span) => span.spanContext().traceId === traceId);
  const lines: string[] = [`trace ${numberOf(traceId)}`];
  const draw = (span: ReadableSpan, depth: number): void => {
    const indent = "  ".repeat(depth);
    lines.push(
      `${indent}${span.name}  ${KINDS[span.kind]}${labels(span.attributes, "idempotency.")}`,
    );
    for (const { context, attributes } of span.links) {
      const target = all.find((other) => other.spanContext().spanId === context.spanId);
      const type = attributes?.["idempotency.link.type"] ?? "sender";
      lines.push(
        `${indent}  link (${String(type)}) to "${target?.name}" in trace ${numberOf(context.traceId)}`,
      );
    }
    for (const child of spans) {
      if (child.parentSpanContext?.spanId === span.spanContext().spanId) draw(child, depth + 1);
    }
  };
  for (const root of spans.filter((span) => span.parentSpanContext === undefined)) draw(root, 1);
  return lines;
}

/** One line for each series: counts of counters and histograms. */
export function metricSummary(metrics: readonly MetricData[]): readonly string[] {
  return metrics
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => {
        const count = typeof value === "number" ? value : value.count;
        return `${descriptor.name}${labels(attributes, "")}: ${count}`;
      }),
    )
    .sort();
}

/** Which differ from run to run, or say nothing here. */
const HIDDEN = /hash|_id$|age$|system|destination|original|redelivered|replayed/;

function labels(attributes: Attributes, prefix: string): string {
  const shown = Object.entries(attributes)
    .filter(([name]) => name.startsWith(prefix) && !HIDDEN.test(name))
    .map(([name, value]) => `${name.replace("idempotency.", "")}=${String(value)}`);
  return shown.length === 0 ? "" : `  {${shown.sort().join(", ")}}`;
}
