import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCache } from "../servers/cache-folder.js";
import { probeContainerEngine } from "../servers/container-engine.js";
import { GiveUp, until } from "../servers/deadline.js";
import { freePort } from "../servers/free-port.js";
import { OwnedProcess } from "../servers/owned-process.js";
import { findProgram } from "../servers/program-search.js";
import type { Surroundings } from "../servers/rung.js";
import { builtCollector, COLLECTOR_VERSION } from "./collector-build.js";

/** Pulled, and its tag thereby checked, only where a container engine is. */
export const COLLECTOR_IMAGE: string = `otel/opentelemetry-collector-contrib:${COLLECTOR_VERSION}`;

/** What `docker compose --profile observability` gives the collector. */
const SETTINGS = fileURLToPath(
  new URL("../../../dashboards/observability/collector.yml", import.meta.url),
);
const OTLP_PORT = 4_318;
const METRICS_PORT = 9_464;
const READY_WITHIN_MS = 120_000;

/** A collector of our own, with our own settings but for the place that spans go to. */
export interface Collector {
  /** Base of OTLP over HTTP. */
  readonly otlpUrl: string;
  /** The spans that have come in so far, as the file exporter wrote them: a request a line. */
  spans(): Promise<string>;
  /** The metrics that have come in so far, as Prometheus would scrape them. */
  exposition(): Promise<string>;
  stop(): Promise<void>;
}

interface Running {
  readonly otlpUrl: string;
  readonly metricsUrl: string;
  stop(): Promise<void>;
}

/** From a container where an engine answers, else built with Go. Rejects with one line where there is neither. */
export async function startCollector(surroundings: Surroundings): Promise<Collector> {
  const engine = await probeContainerEngine(surroundings.env);
  const go = engine.isRunning ? undefined : await findProgram("go", surroundings.env);
  if (!engine.isRunning && go === undefined) {
    throw new Error(
      `A collector needs a container engine or Go: ${engine.reason}, and no go on the path`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), "onlyonce-collector-"));
  const discard = () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  const file = join(folder, "spans.json");
  try {
    // The collector of a container is another user, who may write into this file and create none.
    await writeFile(file, "");
    await chmod(file, 0o666);
    await chmod(folder, 0o755);
    const { otlpUrl, metricsUrl, stop } =
      go === undefined
        ? await startContainer(folder, surroundings)
        : await startProcess(go, folder, surroundings);
    return {
      otlpUrl,
      spans: () => readFile(file, "utf8"),
      exposition: async () => (await fetch(metricsUrl)).text(),
      stop: async () => {
        await stop();
        await discard();
      },
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

/** Laid over {@link SETTINGS}. */
function overrides(file: string, ports?: Readonly<Record<"http" | "grpc" | "metrics", number>>) {
  const at = (port: number) => ({ endpoint: `127.0.0.1:${port}` });
  return {
    ...(ports === undefined
      ? undefined
      : { receivers: { otlp: { protocols: { http: at(ports.http), grpc: at(ports.grpc) } } } }),
    exporters: {
      file: { path: file },
      ...(ports === undefined ? undefined : { prometheus: at(ports.metrics) }),
    },
    service: {
      telemetry: { metrics: { level: "none" } },
      pipelines: { traces: { exporters: ["file"] } },
    },
  };
}

async function startContainer(folder: string, { report }: Surroundings): Promise<Running> {
  report(`collector: starting a container of ${COLLECTOR_IMAGE}, pulled if missing`);
  const { GenericContainer, Wait } = await import("testcontainers");
  const container = await new GenericContainer(COLLECTOR_IMAGE)
    .withCommand(["--config=/etc/collector.yml", "--config=/etc/overrides.yml"])
    .withCopyFilesToContainer([{ source: SETTINGS, target: "/etc/collector.yml" }])
    .withCopyContentToContainer([
      { content: JSON.stringify(overrides("/spans/spans.json")), target: "/etc/overrides.yml" },
    ])
    .withBindMounts([{ source: folder, target: "/spans", mode: "z" }])
    .withExposedPorts(OTLP_PORT, METRICS_PORT)
    .withWaitStrategy(Wait.forLogMessage(/Everything is ready/))
    .withStartupTimeout(READY_WITHIN_MS)
    .start();
  const url = (port: number) => `http://${container.getHost()}:${container.getMappedPort(port)}`;
  return {
    otlpUrl: url(OTLP_PORT),
    metricsUrl: `${url(METRICS_PORT)}/metrics`,
    stop: async () => void (await container.stop()),
  };
}

async function startProcess(
  go: string,
  folder: string,
  surroundings: Surroundings,
): Promise<Running> {
  const command = await builtCollector(go, openCache(surroundings));
  const ports = { http: await freePort(), grpc: await freePort(), metrics: await freePort() };
  const own = join(folder, "overrides.yml");
  await writeFile(own, JSON.stringify(overrides(join(folder, "spans.json"), ports)));
  const collector = await OwnedProcess.start({
    command,
    args: [`--config=file:${SETTINGS}`, `--config=file:${own}`],
    env: surroundings.env,
    cwd: folder,
    logFile: join(folder, "collector.log"),
    disposableDir: folder,
  });
  const otlpUrl = `http://127.0.0.1:${ports.http}`;
  const metricsUrl = `http://127.0.0.1:${ports.metrics}/metrics`;
  try {
    await until(
      async () => {
        if (collector.status !== undefined) {
          throw new GiveUp(`The collector ended: ${collector.status}\n${collector.logTail()}`);
        }
        return (await fetch(metricsUrl)).ok && (await acceptsSpans(otlpUrl)) ? true : undefined;
      },
      { what: "Starting the collector", limitMs: READY_WITHIN_MS, everyMs: 100 },
    );
  } catch (error) {
    await collector.stop();
    throw error;
  }
  return { otlpUrl, metricsUrl, stop: () => collector.stop() };
}

async function acceptsSpans(otlpUrl: string): Promise<boolean> {
  const request = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"resourceSpans":[]}',
  };
  return (await fetch(`${otlpUrl}/v1/traces`, request)).ok;
}
