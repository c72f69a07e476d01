import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
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
  const range = (from: number, to: number): readonly number[] =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);
  /** The behaviours that a deduplicating consumer must show, by their numbers in our list. */
  const required = [...range(1, 56), ...range(58, 95)];

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
});

/** As GitHub names a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

function hasAnchor(path: string, anchor: string): boolean {
  const headings = [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return headings.some((heading) => anchorOf(heading) === anchor);
}

describe("the documents", () => {
  it("link to files and headings that exist", () => {
    const files = tracked();
    const exists = (path: string): boolean =>
      files.some((file) => file === path || file.startsWith(`${path}/`));
    const broken: string[] = [];
    let links = 0;
    for (const page of tracked("*.md").filter((path) => !path.includes("node_modules"))) {
      const text = read(page).replaceAll(/^```[\s\S]*?^```/gm, "");
      for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        links += 1;
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? page : posix.join(posix.dirname(page), file);
        const isFine =
          exists(target) &&
          (anchor === undefined || target.endsWith("/") || hasAnchor(target, anchor));
        if (!isFine) broken.push(`${page}: ${link}`);
      }
    }
    expect(links).toBeGreaterThan(20);
    expect(broken).toEqual([]);
  });
});
