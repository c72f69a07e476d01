import { openSync, readFileSync, writeSync } from "node:fs";

/**
 * A file of JSON lines that several processes may append to. Each line is one system call on a descriptor opened with
 * O_APPEND: lines never mix, and what was appended survives a SIGKILL of its writer.
 */
export class AppendOnlyFile<Line extends object> {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, "a");
  }

  append(line: Line): void {
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }
}

/** All whole lines of such a file; none if there is no file. A torn last line was never appended. */
export function readLines(path: string): readonly unknown[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
