import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

function tracked(...patterns: readonly string[]): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", ...patterns], {
    cwd: root,
    encoding: "utf8",
  });
  return listed.split("\n").filter((path) => path !== "");
}

function testSources(): string {
  return tracked("*.test.ts", "packages/testing/src/*.ts").map(read).join("\n");
}

describe("docs/guarantees.md", () => {
  it("names tests that exist", () => {
    const sources = testSources();
    const named = read("docs/guarantees.md")
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .flatMap((line) => (line.split("|").at(-2) ?? "").split(" · "))
      .map((cell) => cell.trim())
      .filter((cell) => cell.startsWith("`"))
      .map((cell) => cell.slice(1, -1));
    expect(named.length).toBeGreaterThan(25);
    expect(named.filter((title) => !sources.includes(title))).toEqual([]);
  });
});

describe("the tests", () => {
  /** The behaviours that a deduplicating consumer must show, by their numbers in our list. */
  const required = [
    ...[
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 21, 23, 25, 26, 32, 33, 35, 36, 37,
    ],
    ...[
      39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 54, 55, 56, 59, 60, 61, 65, 66, 69, 71, 73,
      75,
    ],
    ...[76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 87, 91, 92],
  ];

  it("name every behaviour that is required", () => {
    const named = new Set<number>();
    for (const [, list = ""] of testSources().matchAll(/behaviours? ((?:\d+(?:, | and )?)+)/g)) {
      for (const [number] of list.matchAll(/\d+/g)) named.add(Number(number));
    }
    expect(required.filter((number) => !named.has(number))).toEqual([]);
  });
});

describe("README", () => {
  const text = read("README.md");

  it("names every option of a topic", () => {
    const source = read("packages/core/src/policy.ts");
    const [, list = ""] = /const OPTIONS = \[([^\]]*)\]/.exec(source) ?? [];
    const options = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
    expect(options.length).toBeGreaterThanOrEqual(10);
    expect(options.filter((name) => !text.includes(`| \`${name}\` |`))).toEqual([]);
  });

  it("links to files that exist", () => {
    const files = new Set(tracked());
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => path);
    expect(links.length).toBeGreaterThan(3);
    const missing = links.filter(
      (path) => !files.has(path) && ![...files].some((file) => file.startsWith(`${path}/`)),
    );
    expect(missing).toEqual([]);
  });
});
