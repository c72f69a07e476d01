/** Where a consumer leaves what it has drawn and counted. */
export interface TelemetryFiles {
  readonly spans: string;
  readonly counts: string;
}

/** Beside its journal. */
export function telemetryFiles(journal: string): TelemetryFiles {
  const stem = journal.replace(/\.journal\.jsonl$/, "");
  return { spans: `${stem}.spans.jsonl`, counts: `${stem}.counts.json` };
}

/** As much of a span as the demo shows. */
export interface DrawnSpan {
  readonly consumer: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly outcome: string;
  readonly kind: string;
  readonly ageSeconds: number;
  readonly link?: { readonly type: string; readonly traceId: string; readonly spanId: string };
}
