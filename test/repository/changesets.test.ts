import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: true;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** The manifests of all workspaces below a root, by folder. */
function manifestsIn(root: string): ReadonlyMap<string, Manifest> {
  const folders = ["packages", "examples"].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(group, name)),
  );
  return new Map(
    ["test", "bench", ...folders].map((folder) => [
      folder,
      JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest,
    ]),
  );
}

function publicNames(manifests: ReadonlyMap<string, Manifest>): string[] {
  return [...manifests.values()].filter((each) => each.private !== true).map(({ name }) => name);
}

/** A repository with our manifests and settings, and nothing else. */
function copyOfManifests(): string {
  const root = mkdtempSync(join(tmpdir(), "onlyonce-changesets-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const folder of ["", ...manifestsIn(repository).keys()]) {
    mkdirSync(join(root, folder), { recursive: true });
    cpSync(join(repository, folder, "package.json"), join(root, folder, "package.json"));
  }
  cpSync(join(repository, "package-lock.json"), join(root, "package-lock.json"));
  mkdirSync(join(root, ".changeset"));
  cpSync(join(repository, ".changeset/config.json"), join(root, ".changeset/config.json"));
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  return root;
}

describe("changesets", () => {
  const manifests = manifestsIn(repository);

  it("give all public packages one version, with a changelog that has it", () => {
    const { fixed } = JSON.parse(
      readFileSync(join(repository, ".changeset/config.json"), "utf8"),
    ) as { readonly fixed: readonly (readonly string[])[] };
    expect([...(fixed[0] ?? [])].sort()).toEqual(publicNames(manifests).sort());
    for (const [folder, { private: isPrivate, version }] of manifests) {
      if (isPrivate === true) continue;
      expect(version, folder).toBe(manifests.get("packages/core")?.version);
      const changelog = readFileSync(join(repository, folder, "CHANGELOG.md"), "utf8");
      expect(changelog, folder).toContain(`\n## ${version}\n`);
    }
  });

  it("raise a breaking change of 0.x to the next 0.x, keep the range of peers, and release nothing private", () => {
    const root = copyOfManifests();
    const git = (...args: string[]): void => {
      const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
      execFileSync("git", [...identity, ...args], { cwd: root, stdio: "pipe" });
    };
    git("init", "-q", "-b", "main");
    const changeset = '---\n"@onlyonce/kafka": minor\n---\n\nSomething else.\n';
    writeFileSync(join(root, ".changeset/something.md"), changeset);
    git("add", ".changeset");
    git("commit", "-q", "-m", "Change something");
    const cli = join(repository, "node_modules/@changesets/cli/bin.js");
    execFileSync(process.execPath, [cli, "version"], { cwd: root, stdio: "pipe" });

    const [, minor = ""] = (manifests.get("packages/core")?.version ?? "").split(".");
    const next = `0.${Number(minor) + 1}.0`;
    for (const [folder, manifest] of manifestsIn(root)) {
      const before = manifests.get(folder);
      expect(manifest.version, folder).toBe(manifest.private === true ? before?.version : next);
      expect(manifest.peerDependencies, folder).toEqual(before?.peerDependencies);
    }
    expect(manifestsIn(root).get("packages/kafka")?.devDependencies).toMatchObject({
      "@onlyonce/core": next,
    });
  }, 60_000);
});
