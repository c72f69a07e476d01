import type { StoredRecord } from "./record.js";

/** A key and its record inside one process. */
export interface Entry {
  readonly key: string;
  record: StoredRecord;
  /** When to look at this entry again: never after the record expires. Kept by `ExpiryQueue`. */
  dueAtMs: number;
  /** Place in the queue. Kept by `ExpiryQueue`. */
  place: number;
}

/**
 * Entries ordered by when they have to be looked at: a binary heap. A record whose life was prolonged stays where it
 * is and is put back when its turn comes, so that completing a key costs nothing here.
 */
export class ExpiryQueue {
  readonly #heap: Entry[] = [];

  add(entry: Entry): void {
    entry.dueAtMs = entry.record.expiresAtMs;
    entry.place = this.#heap.length;
    this.#heap.push(entry);
    this.#rise(entry);
  }

  /** To be called when the record of an entry has changed. */
  update(entry: Entry): void {
    if (entry.record.expiresAtMs >= entry.dueAtMs) return;
    entry.dueAtMs = entry.record.expiresAtMs;
    this.#rise(entry);
  }

  remove(entry: Entry): void {
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#put(last, entry.place);
    this.#rise(last);
    this.#sink(last);
  }

  /** Whether there is anything to look at. */
  isDue(nowMs: number): boolean {
    const first = this.#heap[0];
    return first !== undefined && first.dueAtMs <= nowMs;
  }

  /** Looks at no more than `atMost` entries; takes out and returns those whose record has expired. */
  takeExpired(nowMs: number, atMost: number): Entry[] {
    const expired: Entry[] = [];
    for (let looks = 0; looks < atMost; looks += 1) {
      const first = this.#heap[0];
      if (first === undefined || first.dueAtMs > nowMs) break;
      if (first.record.expiresAtMs <= nowMs) {
        this.remove(first);
        expired.push(first);
      } else {
        first.dueAtMs = first.record.expiresAtMs;
        this.#sink(first);
      }
    }
    return expired;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #put(entry: Entry, place: number): void {
    this.#heap[place] = entry;
    entry.place = place;
  }

  #rise(entry: Entry): void {
    while (entry.place > 0) {
      const place = entry.place;
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.dueAtMs <= entry.dueAtMs) return;
      this.#put(entry, above);
      this.#put(parent, place);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const place = entry.place;
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const child =
        right !== undefined && left !== undefined && right.dueAtMs < left.dueAtMs ? right : left;
      if (child === undefined || child.dueAtMs >= entry.dueAtMs) return;
      const below = child.place;
      this.#put(entry, below);
      this.#put(child, place);
    }
  }
}
