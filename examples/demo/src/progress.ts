/** Where progress is shown: standard output, or whatever a test gives. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How often a line is printed where lines cannot be updated, in milliseconds. */
const PLAIN_EVERY_MS = 2_000;
const CLEAR_LINE = "\r\u001b[2K";

/** One line that is updated on a terminal; now and then a line everywhere else. */
export class Progress {
  readonly #screen: Screen;
  readonly #nowMs: () => number;
  #shown = "";
  #printedAtMs = Number.NEGATIVE_INFINITY;
  #printed = "";

  constructor(screen: Screen, nowMs: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#nowMs = nowMs;
  }

  /** Something worth a line of its own. */
  say(text: string): void {
    const isUpdated = this.#shown !== "";
    this.#screen.write(`${isUpdated ? CLEAR_LINE : ""}${text}\n${this.#shown}`);
  }

  /** How far things are. */
  update(text: string): void {
    if (this.#screen.isTTY === true) {
      // A terminal that does not know its width says 0.
      const width = this.#screen.columns || 80;
      this.#shown = text.slice(0, width - 1);
      this.#screen.write(`${CLEAR_LINE}${this.#shown}`);
      return;
    }
    const nowMs = this.#nowMs();
    if (text === this.#printed || nowMs - this.#printedAtMs < PLAIN_EVERY_MS) return;
    this.#printedAtMs = nowMs;
    this.#printed = text;
    this.#screen.write(`${text}\n`);
  }

  /** Leaves nothing half written behind. */
  end(): void {
    if (this.#shown !== "") this.#screen.write(CLEAR_LINE);
    this.#shown = "";
  }
}
