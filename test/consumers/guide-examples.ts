import { readFile } from "node:fs/promises";

/**
 * The examples of a guide, by the names of the modules that they compile as: one, or two where it shows what changes.
 * `named`: examples that others import, by a text that only they hold.
 */
export async function guideExamples(
  guide: string,
  named: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const text = await readFile(new URL(`../../docs/guide/${guide}.md`, import.meta.url), "utf8");
  const blocks = text.matchAll(/^```(ts|diff)\n(.*?)^```/gms);
  for (const [number, [, language, example = ""]] of [...blocks].entries()) {
    const [, own] = Object.entries(named).find(([mark]) => example.includes(mark)) ?? [];
    if (own !== undefined && language === "ts") found.set(own, example);
    else if (language === "ts") found.set(`example-${number}`, example);
    else {
      found.set(`example-${number}-before`, sideOf(example, "-"));
      found.set(`example-${number}-after`, sideOf(example, "+"));
    }
  }
  return found;
}

/** One side of a diff. */
function sideOf(diff: string, mark: "+" | "-"): string {
  const lines = diff.split("\n").filter((line) => line.startsWith(mark) || line.startsWith(" "));
  return lines.map((line) => line.slice(1)).join("\n");
}
