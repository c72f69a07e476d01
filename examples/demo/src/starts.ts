/** A consumer is inside its handler, with the effect still to come. */
export interface Start {
  readonly consumer: string;
  readonly taskId: string;
}

interface Watch {
  readonly isMeant: (start: Start) => boolean;
  readonly resolve: (start: Start) => void;
}

/** What consumers report when a handler begins. Whoever waits for a moment in the middle of the work waits here. */
export class Starts {
  readonly #watches = new Set<Watch>();

  report(start: Start): void {
    for (const watch of this.#watches) {
      if (!watch.isMeant(start)) continue;
      this.#watches.delete(watch);
      watch.resolve(start);
    }
  }

  /** The next handler that begins and is meant. */
  next(isMeant: (start: Start) => boolean): Promise<Start> {
    return new Promise((resolve) => this.#watches.add({ isMeant, resolve }));
  }
}
