import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cache, fill, isFilled } from "../servers/cache-folder.js";
import { runCommand } from "../servers/command.js";

/** The collector of docker-compose.yml, so that what people start there is what was tried. */
export const COLLECTOR_VERSION = "0.139.0";
/** What is stable of the collector has versions of its own: these were released together with the one above. */
const STABLE_VERSION = "1.45.0";

const CORE = "go.opentelemetry.io/collector";
const CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib";

/** What dashboards/observability/collector.yml names, and the exporter that writes spans into a file. */
const MANIFEST = {
  receivers: [{ gomod: `${CORE}/receiver/otlpreceiver v${COLLECTOR_VERSION}` }],
  processors: [{ gomod: `${CORE}/processor/batchprocessor v${COLLECTOR_VERSION}` }],
  exporters: [
    { gomod: `${CORE}/exporter/otlpexporter v${COLLECTOR_VERSION}` },
    { gomod: `${CONTRIB}/exporter/fileexporter v${COLLECTOR_VERSION}` },
    { gomod: `${CONTRIB}/exporter/prometheusexporter v${COLLECTOR_VERSION}` },
  ],
  providers: [
    // Settings come from files; without the other one no collector starts.
    { gomod: `${CORE}/confmap/provider/fileprovider v${STABLE_VERSION}` },
    { gomod: `${CORE}/confmap/provider/envprovider v${STABLE_VERSION}` },
  ],
};

/**
 * The program of a collector of these parts; builds it into our cache the first time, with the collector's own builder.
 *
 * Some minutes and two gigabytes while it lasts. Modules, objects, the builder, and a newer toolchain should Go fetch
 * one, stay in the folder and are deleted with the sources: what is left is one program of some 30 MB.
 */
export async function builtCollector(go: string, cache: Cache): Promise<string> {
  const name = `collector-${COLLECTOR_VERSION}-${process.platform}-${process.arch}`;
  const folder = join(cache.folder, name);
  const program = join(folder, "collector");
  if (await isFilled(folder)) return program;
  if (cache.isOffline) throw new Error(`ONLYONCE_OFFLINE is set and ${folder} is missing`);
  cache.report(`collector: building ${COLLECTOR_VERSION} in ${folder}, some minutes`);
  await fill(folder, (dir) => build(go, cache, dir));
  return program;
}

async function build(go: string, cache: Cache, dir: string): Promise<void> {
  const work = join(dir, "work");
  await mkdir(join(work, "tmp"), { recursive: true });
  const manifest = join(work, "builder.yaml");
  const out = join(work, "out");
  // YAML is a superset of JSON.
  const dist = { name: "collector", version: COLLECTOR_VERSION, output_path: out, go };
  await writeFile(manifest, JSON.stringify({ dist, ...MANIFEST }));
  const builder = `${CORE}/cmd/builder@v${COLLECTOR_VERSION}`;
  await runCommand("nice", ["-n", "10", go, "run", builder, `--config=${manifest}`], {
    cwd: work,
    env: {
      ...cache.env,
      GOPATH: join(work, "path"),
      GOMODCACHE: join(work, "path", "pkg", "mod"),
      GOCACHE: join(work, "objects"),
      GOTMPDIR: join(work, "tmp"),
      GOENV: "off",
      GOWORK: "off",
      // Go would write-protect its modules, and nobody could delete them.
      GOFLAGS: "-modcacherw",
    },
  });
  await copyFile(join(out, "collector"), join(dir, "collector"));
  await rm(work, { recursive: true, force: true, maxRetries: 5 });
}
