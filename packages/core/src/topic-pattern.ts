/** A topic name in which `*` stands for any run of characters, possibly empty. */
export interface TopicPattern {
  readonly text: string;
  /** How many characters are not `*`: the more, the more specific. */
  readonly literals: number;
  matches(topic: string): boolean;
}

export function isPattern(name: string): boolean {
  return name.includes("*");
}

export function parsePattern(text: string): TopicPattern {
  const parts = text.split("*");
  const source = parts.map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join("[^]*");
  const expression = new RegExp(`^${source}$`);
  return {
    text,
    literals: text.length - (parts.length - 1),
    matches: (topic) => expression.test(topic),
  };
}

/** Whether some topic matches both patterns. */
export function overlap(left: string, right: string): boolean {
  const seen = new Set<number>();
  const width = right.length + 1;
  const visit = (i: number, j: number): boolean => {
    const state = i * width + j;
    if (seen.has(state)) return false;
    seen.add(state);
    if (i === left.length && j === right.length) return true;
    const a = left[i];
    const b = right[j];
    if (a === "*" && (visit(i + 1, j) || (b !== undefined && visit(i, j + 1)))) return true;
    if (b === "*" && (visit(i, j + 1) || (a !== undefined && visit(i + 1, j)))) return true;
    return a !== undefined && a === b && visit(i + 1, j + 1);
  };
  return visit(0, 0);
}
