/** How long all of it may take, in milliseconds; what is not done by then is left to the guardians of the services. */
const LIMIT_MS = 20_000;

/** What must be undone at the end, however the end comes; in reverse order. */
export class Cleanup {
  readonly #steps: (() => Promise<unknown>)[] = [];
  #isOver = false;

  /** Throws when the end has come already: then the step is taken at once, and whoever works on must stop. */
  add(step: () => Promise<unknown>): void {
    if (this.#isOver) {
      step().catch(() => {});
      throw new Error("the run is over");
    }
    this.#steps.push(step);
  }

  /** Goes on after a step that failed; gives what went wrong. */
  async run(): Promise<readonly unknown[]> {
    this.#isOver = true;
    const errors: unknown[] = [];
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        errors.push(new Error(`cleaning up took longer than ${LIMIT_MS / 1_000} s`));
        resolve();
      }, LIMIT_MS);
    });
    await Promise.race([this.#runSteps(errors), limit]);
    clearTimeout(timer);
    return errors;
  }

  async #runSteps(errors: unknown[]): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
  }
}
