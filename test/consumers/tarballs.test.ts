import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, inject, it } from "vitest";
import { runCommand } from "../servers/command.js";
import { PACKAGES } from "./tarballs.js";

const options = { cwd: tmpdir(), env: process.env };

async function filesOf(tarball: string): Promise<readonly string[]> {
  const listing = await runCommand("tar", ["-tzf", tarball], options);
  return listing
    .trim()
    .split("\n")
    .map((line) => line.replace(/^package\//, ""));
}

function textIn(tarball: string, file: string): Promise<string> {
  return runCommand("tar", ["-xzOf", tarball, `package/${file}`], options);
}

/** What the compiler makes of a source. */
function built(source: string): readonly string[] {
  const stem = source.replace(/^src\//, "dist/").replace(/\.ts$/, "");
  return [".js", ".js.map", ".d.ts", ".d.ts.map"].map((ending) => stem + ending);
}

describe.each(PACKAGES)("the tarball of @onlyonce/%s", (name) => {
  const tarball = inject("tarballs")[name];

  it("holds sources, what was built from them, manifest, README, changelog and licence, and nothing else", async () => {
    const files = await filesOf(tarball);
    const sources = files.filter((file) => /^src\/[a-z0-9/-]+\.ts$/.test(file));
    expect(sources).toContain("src/index.ts");
    expect(new Set(files)).toEqual(
      new Set([
        "package.json",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        ...sources,
        ...sources.flatMap(built),
      ]),
    );
  });

  it("has the licence of the repository", async () => {
    const licence = await readFile(new URL("../../LICENSE", import.meta.url), "utf8");
    expect(await textIn(tarball, "LICENSE")).toBe(licence);
  });

  it("says what it is and how to install it, and leads to the whole README", async () => {
    const readme = await textIn(tarball, "README.md");
    expect(readme).toMatch(`# @onlyonce/${name}\n`);
    expect(readme).toMatch(/^npm install (--save-dev )?.*@onlyonce\//m);
    expect(readme).toMatch(/\]\(\.\.\/\.\.\/(README|ARCHITECTURE)\.md\)/);
  });

  it("depends on nothing, takes its siblings as peers, runs no script when installed, and is public", async () => {
    const manifest = JSON.parse(await textIn(tarball, "package.json")) as Record<string, unknown>;
    expect(manifest).not.toHaveProperty("dependencies");
    expect(manifest).not.toHaveProperty("private");
    expect(Object.keys(Object(manifest.scripts))).toEqual(["package-lint"]);
    expect(manifest).toMatchObject({
      license: "MIT",
      publishConfig: { access: "public" },
      engines: { node: "^20.19 || >=22.12" },
      type: "module",
    });
    const peers = Object.entries(Object(manifest.peerDependencies)).filter(([peer]) =>
      peer.startsWith("@onlyonce/"),
    );
    expect(peers).toEqual(name === "core" ? [] : [["@onlyonce/core", ">=0.1.0 <1.0.0"]]);
  });
});
