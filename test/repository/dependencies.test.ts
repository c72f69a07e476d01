import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

/** The modules that the sources of a package import. */
function importsOf(name: string): readonly string[] {
  const listed = execFileSync(
    "git",
    ["ls-files", "-co", "--exclude-standard", `packages/${name}/src/*.ts`],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  const sources = listed.split("\n").filter((path) => path !== "");
  expect(sources.length).toBeGreaterThan(0);
  return sources.flatMap((path) =>
    [...read(path).matchAll(/^(?:import|export)\s[^;]*?from "([^"]+)";/gms)].map(
      ([, module = ""]) => module,
    ),
  );
}

describe("the packages", () => {
  it("behaviour 89: core has no dependency at all, and imports nothing but Node's modules", () => {
    const manifest = JSON.parse(read("packages/core/package.json")) as Record<string, unknown>;
    expect(manifest).not.toHaveProperty("dependencies");
    expect(manifest).not.toHaveProperty("peerDependencies");
    const foreign = importsOf("core").filter((module) => !/^(\.|node:)/.test(module));
    expect(foreign).toEqual([]);
  });

  it.each(["redis", "kafka", "rabbitmq"])("%s imports core and no client library", (name) => {
    const foreign = importsOf(name).filter((module) => !/^(\.|node:|@onlyonce\/core)/.test(module));
    expect(foreign).toEqual([]);
    const manifest = JSON.parse(read(`packages/${name}/package.json`)) as Record<string, unknown>;
    expect(manifest).not.toHaveProperty("dependencies");
  });
});
