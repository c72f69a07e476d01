import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** The constants of one file of the model: numbers as they are, characters by their code. */
export async function symbolsOf(file: string): Promise<ReadonlyMap<string, number>> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const text = await readFile(path, "utf8");
  const defined = text.matchAll(/^#define +([A-Z_]+) +(?:'(.)'|(\d+))$/gm);
  return new Map(
    [...defined].map(([, name = "", character, number]) => [
      name,
      character === undefined ? Number(number) : character.charCodeAt(0),
    ]),
  );
}

/** The value of a constant that the model must have. */
export function symbolIn(symbols: ReadonlyMap<string, number>, name: string): number {
  const value = symbols.get(name);
  if (value === undefined) throw new Error(`the model has no constant ${name}`);
  return value;
}
