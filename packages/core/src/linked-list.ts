/** Something that is in at most one list at a time. The list alone writes these. */
export interface Linked<Self> {
  previous: Self | undefined;
  next: Self | undefined;
}

/**
 * What is under way, oldest first. The items carry the links themselves: a Set that sees every message grows and is
 * copied all the time, and its old tables keep whatever they held until the next major collection.
 */
export class LinkedList<Item extends Linked<Item>> {
  #first: Item | undefined;
  #last: Item | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  add(item: Item): void {
    item.previous = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
  }

  /** Does nothing for an item that is in no list. */
  delete(item: Item): void {
    const { previous, next } = item;
    if (previous === undefined && this.#first !== item) return;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    item.previous = undefined;
    item.next = undefined;
  }

  /** A copy, so that items may leave while they are looked at. */
  toArray(): Item[] {
    const items: Item[] = [];
    for (let item = this.#first; item !== undefined; item = item.next) items.push(item);
    return items;
  }
}
