// Asks a real Prometheus every query of the dashboard, under both spellings of units, and has it evaluate the alerts.
// Prometheus comes from Debian's archive into ~/.cache/onlyonce; nothing is installed.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createDeduplicator, memoryStore, type Store } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { openCache } from "../servers/cache-folder.js";
import { until } from "../servers/deadline.js";
import { unpackPackages } from "../servers/debian-packages.js";
import { freePort } from "../servers/free-port.js";
import { surroundings } from "../servers/rung.js";

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result?: readonly unknown[];
    readonly groups?: readonly {
      readonly rules: readonly { readonly name: string; readonly health: string }[];
    }[];
  };
}

const DASHBOARDS = new URL("../../../dashboards/", import.meta.url);
const SPELLINGS = [
  { job: "exporter", unit: "", path: "/plain" },
  { job: "collector", unit: "_seconds", path: "/units" },
] as const;

const reader = new PrometheusExporter({ preventServerStart: true });
const meterProvider = new MeterProvider({ readers: [reader] });

async function exposition(withUnits: boolean): Promise<string> {
  const { resourceMetrics } = await reader.collect();
  const text = new PrometheusSerializer().serialize(resourceMetrics);
  if (!withUnits) return text;
  const inSeconds = [...text.matchAll(/^# UNIT (\w+) s$/gm)].map(([, name = ""]) => name);
  return inSeconds.reduce((all, name) => all.replaceAll(name, `${name}_seconds`), text);
}

/** One delivery of every kind. */
async function deliverEvery(round: number, store: Store): Promise<void> {
  const observers = [otelObserver({ meterProvider })];
  const defaults = { ackTimeoutMs: 60_000, busyWaitMs: 1 } as const;
  const dedup = createDeduplicator({ store, scope: "billing", defaults, observers });
  const peer = createDeduplicator({ store, scope: "billing", defaults, observers });
  const gone: Store = Object.assign(Object.create(store) as Store, {
    claim: () => Promise.reject(new Error("gone")),
    commandTimeoutMs: 1_000,
  });
  const cut = createDeduplicator({ store: gone, scope: "billing", defaults, observers });
  const message = (id: string) => ({
    topic: "payments",
    id: `${id}-${round}`,
    redelivered: round % 2 === 0,
    transport: { system: "rabbitmq" },
  });
  const fails = async (work: Promise<unknown>): Promise<void> => {
    await work.catch(() => undefined);
  };
  await dedup.process(message("a"), () => delay(5));
  await dedup.process(message("a"), () => undefined);
  await fails(dedup.process(message("b"), () => Promise.reject(new TypeError("no"))));
  await fails(cut.process(message("c"), () => undefined));
  await dedup.process(message("d"), () => fails(peer.process(message("d"), () => undefined)));
  await Promise.all([dedup.close(), peer.close(), cut.close()]);
}

function queriesFor(job: string, unit: string): readonly { title: string; query: string }[] {
  const { panels } = JSON.parse(readFileSync(new URL("onlyonce.json", DASHBOARDS), "utf8")) as {
    panels: readonly Panel[];
  };
  const given: Readonly<Record<string, string>> = {
    unit,
    job,
    destination: ".*",
    lease: "30",
    window: "86400",
    __rate_interval: "10s",
    __range: "10s",
  };
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({
      title,
      query: expr.replaceAll(/\$\{?(\w+)\}?/g, (all, name: string) => given[name] ?? all),
    })),
  );
}

async function ask(port: number, path: string): Promise<Answer> {
  return (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()) as Answer;
}

async function complaints(port: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { job, unit } of SPELLINGS) {
    for (const { title, query } of queriesFor(job, unit)) {
      const { status, error, data } = await ask(port, `query?query=${encodeURIComponent(query)}`);
      if (status !== "success") found.push(`${job}: ${title}: ${error ?? status}: ${query}`);
      else if (data?.result?.length === 0) found.push(`${job}: ${title}: nothing: ${query}`);
    }
  }
  const { data } = await ask(port, "rules");
  const rules = data?.groups?.flatMap((group) => group.rules) ?? [];
  if (rules.length < 6) found.push(`${rules.length} alerts are loaded`);
  for (const { name, health } of rules) if (health !== "ok") found.push(`${name}: ${health}`);
  return found;
}

const root = await unpackPackages(
  { name: "prometheus", alternatives: [{ packages: ["prometheus"] }] },
  openCache(surroundings()),
);
const alerts = new URL("alerts.yml", DASHBOARDS).pathname;
const checked = spawnSync(join(root, "usr/bin/promtool"), ["check", "rules", alerts], {
  encoding: "utf8",
});
console.log(checked.stdout.trim(), checked.stderr.trim());
const exporter = createServer((request, response) => {
  void exposition(request.url === "/units").then((text) => response.end(text));
});
exporter.listen(0, "127.0.0.1");
await once(exporter, "listening");
const target = `127.0.0.1:${(exporter.address() as AddressInfo).port}`;
const folder = mkdtempSync(join(tmpdir(), "onlyonce-prometheus-"));
const scrapes = SPELLINGS.map(
  ({ job, path }) =>
    `  - { job_name: ${job}, metrics_path: ${path}, static_configs: [{ targets: ["${target}"] }] }`,
);
writeFileSync(
  join(folder, "prometheus.yml"),
  `global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: ["${alerts}"]\nscrape_configs:\n${scrapes.join("\n")}\n`,
);
const port = await freePort();
const prometheus = spawn(
  join(root, "usr/bin/prometheus"),
  [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ],
  { stdio: "ignore" },
);
let found: readonly string[] = ["Prometheus did not start"];
try {
  const store = memoryStore();
  let round = 0;
  found = await until(
    async () => {
      round += 1;
      await deliverEvery(round, store);
      found = await complaints(port);
      return found.length === 0 ? found : undefined;
    },
    { what: "an answer to every query", limitMs: 60_000, everyMs: 500 },
  ).catch(() => found);
} finally {
  prometheus.kill();
  await once(prometheus, "exit");
  exporter.close();
  rmSync(folder, { recursive: true, force: true });
}
for (const complaint of found) console.error(complaint);
const asked = SPELLINGS.flatMap(({ job, unit }) => queriesFor(job, unit)).length;
const isGood = found.length === 0 && checked.status === 0;
console.log(isGood ? `${asked} queries answered, all alerts evaluated` : "failed");
process.exitCode = isGood ? 0 : 1;
