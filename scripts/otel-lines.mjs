// Runs the suite of @onlyonce/otel on both lines of OpenTelemetry's SDK: 2.12 with API 1.9.1 on Node.js 20, and 3.x with
// API 1.10 on Node.js 24. Each line gets a folder of its own, with our packages as they would be published and npm's
// choice of everything else; there is one copy of the API in it, or telemetry would be silent.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findNodeRuntimes } from "../test/dist/consumers/node-runtimes.js";
import { outsideEnvironment } from "../test/dist/consumers/npm.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const manifestOf = (name) =>
  JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
const env = outsideEnvironment(process.env);

const LINES = [
  {
    name: "SDK 2.12, API 1.9.1",
    node: "20",
    packages: {
      "@opentelemetry/api": "1.9.1",
      "@opentelemetry/context-async-hooks": "2.12.0",
      "@opentelemetry/core": "2.12.1",
      "@opentelemetry/exporter-prometheus": "0.223.0",
      "@opentelemetry/exporter-trace-otlp-http": "0.223.1",
      "@opentelemetry/sdk-metrics": "2.12.1",
      "@opentelemetry/sdk-trace": "2.12.1",
    },
  },
  {
    name: "SDK 3.1, API 1.10",
    node: "24",
    packages: {
      "@opentelemetry/api": "1.10.0",
      "@opentelemetry/context-async-hooks": "3.1.1",
      "@opentelemetry/core": "3.1.1",
      "@opentelemetry/exporter-prometheus": "0.301.0",
      "@opentelemetry/exporter-trace-otlp-http": "0.301.0",
      "@opentelemetry/sdk-metrics": "3.1.1",
      "@opentelemetry/sdk-trace": "3.1.1",
    },
  },
];

/** What the package that was installed says of one message, without any of our tests. */
const SMOKE = `
import { trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { createDeduplicator, memoryStore } from "@onlyonce/core";
import { otelObserver } from "@onlyonce/otel";
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
const dedup = createDeduplicator({ store: memoryStore(), scope: "smoke", observers: [otelObserver()] });
for (const id of ["a", "a"]) await dedup.process({ topic: "payments", id }, () => undefined);
const [original, duplicate] = exporter.getFinishedSpans();
if (duplicate.links[0].context.spanId !== original.spanContext().spanId) throw new Error("no link");
console.log(duplicate.name, duplicate.attributes["idempotency.outcome"]);
`;

/** Where npm has put copies of the API. */
function copiesOfApi(folder) {
  const { packages } = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  return Object.keys(packages).filter((path) => path.endsWith("node_modules/@opentelemetry/api"));
}

function prepare(folder, { packages }, tarballs) {
  const { vitest, "fast-check": fastCheck } = manifestOf("testing").devDependencies;
  const dependencies = {
    "@onlyonce/core": `file:${tarballs.core}`,
    "@onlyonce/otel": `file:${tarballs.otel}`,
    "@onlyonce/testing": `file:${tarballs.testing}`,
    "fast-check": fastCheck,
    vitest,
    ...packages,
  };
  const { version } = manifestOf("otel");
  const manifest = { name: "otel-line", private: true, type: "module", version, dependencies };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "smoke.mjs"), SMOKE);
  writeFileSync(join(folder, "vitest.config.mjs"), "export default { test: { maxWorkers: 2 } };\n");
  for (const part of ["src", "test"]) {
    cpSync(join(root, "packages", "otel", part), join(folder, part), { recursive: true });
  }
  const install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  execFileSync("npm", install, { cwd: folder, env, stdio: "inherit" });
}

function runOn(node, folder) {
  const copies = copiesOfApi(folder);
  if (copies.length !== 1) throw new Error(`copies of the API: ${copies.join(", ")}`);
  const options = { cwd: folder, env, stdio: "inherit" };
  for (const args of [["smoke.mjs"], [join("node_modules", "vitest", "vitest.mjs"), "run"]]) {
    const { status } = spawnSync(node, args, options);
    if (status !== 0) throw new Error(`${args[0]} ended with ${status}`);
  }
}

/** Our packages as they would be published, in a folder of their own. They must be built. */
function packedInto(folder) {
  const names = ["core", "otel", "testing"];
  const workspaces = names.flatMap((name) => ["--workspace", join("packages", name)]);
  const pack = ["pack", ...workspaces, "--pack-destination", folder, "--loglevel=error"];
  execFileSync("npm", pack, { cwd: root, env });
  return Object.fromEntries(
    names.map((name) => [name, join(folder, `onlyonce-${name}-${manifestOf(name).version}.tgz`)]),
  );
}

const runtimes = await findNodeRuntimes();
const packed = mkdtempSync(join(tmpdir(), "onlyonce-otel-packed-"));
const tarballs = packedInto(packed);
const failed = [];
try {
  for (const line of LINES) {
    const runtime = runtimes.find(({ version }) => version.split(".")[0] === line.node);
    const folder = mkdtempSync(join(tmpdir(), "onlyonce-otel-line-"));
    try {
      if (runtime === undefined) throw new Error(`there is no Node.js ${line.node}`);
      console.log(`\n${line.name} on Node.js ${runtime.version}`);
      prepare(folder, line, tarballs);
      runOn(runtime.node, folder);
    } catch (error) {
      failed.push(`${line.name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
} finally {
  rmSync(packed, { recursive: true, force: true });
}
console.log(failed.length === 0 ? "\nboth lines passed" : `\nfailed: ${failed.join("; ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
