/** Something that waits its turn among others of the same key. */
export interface InLine<Self> {
  readonly key: string;
  /** Where the key belongs in the table: any number that follows from the key. */
  readonly place: number;
  /** The next one of the same key. */
  next: Self | undefined;
  /** The last one of the same key; kept by the first one only. */
  last: Self | undefined;
  /** The first one of another key in the same place. */
  neighbour: Self | undefined;
}

/**
 * Who waits for whom, key by key. A fixed table with chains instead of a Map: keys come and go so fast that a Map would
 * leave one outgrown table after the other to the major collector, with all that hangs on it.
 */
export class KeyLines<Waiter extends InLine<Waiter>> {
  readonly #firsts: (Waiter | undefined)[];
  readonly #mask: number;

  /** `size` must be a power of two. */
  constructor(size: number) {
    this.#firsts = new Array<Waiter | undefined>(size).fill(undefined);
    this.#mask = size - 1;
  }

  /** True when nobody is before it. */
  join(waiter: Waiter): boolean {
    const place = waiter.place & this.#mask;
    for (let first = this.#firsts[place]; first !== undefined; first = first.neighbour) {
      if (first.key === waiter.key) {
        (first.last ?? first).next = waiter;
        first.last = waiter;
        return false;
      }
    }
    waiter.neighbour = this.#firsts[place];
    this.#firsts[place] = waiter;
    return true;
  }

  /** Takes the first one out; the next of its key is now the first, and is returned. */
  leave(first: Waiter): Waiter | undefined {
    const { next } = first;
    if (next !== undefined) {
      next.last = first.last;
      next.neighbour = first.neighbour;
    }
    this.#replace(first, next ?? first.neighbour);
    first.next = undefined;
    first.last = undefined;
    first.neighbour = undefined;
    return next;
  }

  #replace(first: Waiter, successor: Waiter | undefined): void {
    const place = first.place & this.#mask;
    let before = this.#firsts[place];
    if (before === first) {
      this.#firsts[place] = successor;
      return;
    }
    while (before !== undefined && before.neighbour !== first) before = before.neighbour;
    if (before !== undefined) before.neighbour = successor;
  }
}
