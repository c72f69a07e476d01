// Sends the telemetry of every outcome to a real collector over OTLP, with the settings of dashboards/observability, and
// looks at what it made of them: spans as its file exporter writes them, metrics as Prometheus would scrape them.
// The collector is a container where an engine answers, else it is built once with Go into ~/.cache/onlyonce.
import { until } from "../servers/deadline.js";
import { surroundings } from "../servers/rung.js";
import { type Collector, startCollector } from "./collector.js";
import { metricComplaints, spanComplaints } from "./collector-findings.js";
import { sendEveryOutcome } from "./every-outcome.js";

/** Asks until nothing is left to complain about; what comes in may come late. */
async function lastComplaints(collector: Collector): Promise<readonly string[]> {
  let complaints: readonly string[] = ["the collector did not answer"];
  const isGood = async (): Promise<true | undefined> => {
    const spans = spanComplaints(await collector.spans());
    complaints = [...spans, ...metricComplaints(await collector.exposition())];
    return complaints.length === 0 ? true : undefined;
  };
  const deadline = { what: "All telemetry", limitMs: 60_000, everyMs: 200 };
  await until(isGood, deadline).catch(() => undefined);
  return complaints;
}

async function run(): Promise<readonly string[]> {
  const collector = await startCollector(surroundings());
  try {
    await sendEveryOutcome(collector.otlpUrl);
    return await lastComplaints(collector);
  } finally {
    await collector.stop();
  }
}

const found = await run().catch((error: unknown) => [
  error instanceof Error ? error.message : String(error),
]);
for (const complaint of found) console.error(complaint);
console.log(
  found.length === 0
    ? "the collector wrote the duplicate's span with its link, and shows every name that the dashboard asks for"
    : "failed",
);
process.exitCode = found.length === 0 ? 0 : 1;
