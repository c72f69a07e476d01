import { closeSync, openSync, readSync } from "node:fs";
import type { JournalEntry } from "./journal.js";
import { isHandedBack } from "./trace.js";

interface Tail {
  readonly descriptor: number;
  /** The beginning of a line whose end has not been read yet. */
  rest: string;
  /** Copies by the number of their delivery, until there is an outcome. */
  readonly open: Map<number, string>;
}

/** Which copies the consumers are done with. Read from their journals, which not even a SIGKILL falsifies. */
export class SettledCopies {
  readonly #tails = new Map<string, Tail>();
  readonly #settled = new Set<string>();
  readonly #buffer = Buffer.alloc(64 * 1024);

  get count(): number {
    return this.#settled.size;
  }

  /** Follows this journal too. */
  follow(path: string): void {
    // Opened for appending as well, so that it exists whoever comes first.
    this.#tails.set(path, { descriptor: openSync(path, "a+"), rest: "", open: new Map() });
  }

  /** Reads what has been written since the last look. */
  look(): void {
    for (const tail of this.#tails.values()) {
      for (const entry of this.#newEntries(tail)) {
        if (entry.event === "delivered") tail.open.set(entry.delivery, entry.copyId);
        if (entry.event !== "outcome") continue;
        const copyId = tail.open.get(entry.delivery);
        tail.open.delete(entry.delivery);
        if (copyId !== undefined && !isHandedBack(entry.outcome)) this.#settled.add(copyId);
      }
    }
  }

  close(): void {
    for (const { descriptor } of this.#tails.values()) closeSync(descriptor);
    this.#tails.clear();
  }

  *#newEntries(tail: Tail): Iterable<JournalEntry> {
    for (;;) {
      const length = readSync(tail.descriptor, this.#buffer);
      if (length === 0) return;
      // Journals are ASCII: no character can be torn.
      const lines = (tail.rest + this.#buffer.toString("latin1", 0, length)).split("\n");
      tail.rest = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as JournalEntry;
    }
  }
}
