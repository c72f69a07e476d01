/** Horizontal bars below a title. */
export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly kind: "ours" | "peer" | "limit";
}

const WIDTH = 760;
const LABELS = 250;
const LONGEST_BAR = 400;
const BAR = 16;
const ROW = 22;
const TITLE = 34;
const MARGIN = 12;

/** Readable on white and on black: the colours follow the reader's scheme. */
const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.small { font-size: 11px; fill: #59636e }
.ours { fill: #0f766e }
.peer { fill: #a9b4c0 }
.limit { fill: none; stroke: #8c96a1; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.small { fill: #9198a1 }
.ours { fill: #2dd4bf }
.peer { fill: #57606a }
.limit { stroke: #8b949e }
}`;

/** An SVG of panels below each other; the bars of a panel share a scale. `source` says where the figures are from. */
export function chartOf(panels: readonly Panel[], source: string): string {
  let y = MARGIN;
  const parts: string[] = [];
  for (const { title, bars } of panels) {
    parts.push(text(MARGIN, y + 16, title, "title"));
    y += TITLE;
    const longest = Math.max(...bars.map(({ value }) => value));
    for (const bar of bars) {
      parts.push(drawn(bar, y, longest));
      y += ROW;
    }
    y += MARGIN;
  }
  parts.push(text(MARGIN, y + MARGIN, source, "small"));
  const height = y + 2 * MARGIN;
  const summary = panels.map(inWords).join(". ");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>onlyonce beside other ways to guard a message</title>
<desc>${escaped(summary)}</desc>
<style>${STYLE}
</style>
${parts.join("\n")}
</svg>
`;
}

function drawn({ label, value, kind }: Bar, y: number, longest: number): string {
  const width = Math.max(1, Math.round((value / longest) * LONGEST_BAR));
  return [
    text(MARGIN, y + 13, label),
    `<rect class="${kind}" x="${LABELS}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
    text(LABELS + width + 6, y + 13, shown(value)),
  ].join("\n");
}

function inWords({ title, bars }: Panel): string {
  return `${title}: ${bars.map(({ label, value }) => `${label} ${shown(value)}`).join(", ")}`;
}

function shown(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function text(x: number, y: number, content: string, className?: string): string {
  const attribute = className === undefined ? "" : ` class="${className}"`;
  return `<text x="${x}" y="${y}"${attribute}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
