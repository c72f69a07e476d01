import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string }>
  >;
}

const { packages } = JSON.parse(
  readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"),
) as Lockfile;

/** The package of each platform's binary, in the order of {@link PLATFORMS}. */
const BINARIES: Readonly<Record<string, readonly [string, string, string, string]>> = {
  "@biomejs/biome": [
    "@biomejs/cli-darwin-arm64",
    "@biomejs/cli-linux-arm64",
    "@biomejs/cli-linux-x64",
    "@biomejs/cli-win32-x64",
  ],
  turbo: ["@turbo/darwin-arm64", "@turbo/linux-arm64", "@turbo/linux-64", "@turbo/windows-64"],
  oxlint: [
    "@oxlint/binding-darwin-arm64",
    "@oxlint/binding-linux-arm64-gnu",
    "@oxlint/binding-linux-x64-gnu",
    "@oxlint/binding-win32-x64-msvc",
  ],
  "oxlint-tsgolint": [
    "@oxlint-tsgolint/darwin-arm64",
    "@oxlint-tsgolint/linux-arm64",
    "@oxlint-tsgolint/linux-x64",
    "@oxlint-tsgolint/win32-x64",
  ],
  rolldown: [
    "@rolldown/binding-darwin-arm64",
    "@rolldown/binding-linux-arm64-gnu",
    "@rolldown/binding-linux-x64-gnu",
    "@rolldown/binding-win32-x64-msvc",
  ],
  typescript: [
    "@typescript/typescript-darwin-arm64",
    "@typescript/typescript-linux-arm64",
    "@typescript/typescript-linux-x64",
    "@typescript/typescript-win32-x64",
  ],
};

const PLATFORMS = ["darwin-arm64", "linux-arm64", "linux-x64", "win32-x64"] as const;

const CASES = Object.entries(BINARIES).flatMap(([tool, names]) =>
  names.map((binary, index) => ({ tool, binary, platform: PLATFORMS[index] })),
);

describe("package-lock.json", () => {
  it.each(CASES)("holds the binary of $tool for $platform", ({ tool, binary }) => {
    const entry = packages[`node_modules/${binary}`];
    expect(entry?.integrity).toMatch(/^sha512-/);
    expect(entry?.version).toBe(packages[`node_modules/${tool}`]?.version);
  });
});
