import { randomBytes } from "node:crypto";

/** Draws owner tokens: a random part per process start, then a counter. Never repeats, not even after a restart. */
export class OwnerTokens {
  readonly #prefix = randomBytes(9).toString("base64url");
  #count = 0;

  next(): string {
    this.#count += 1;
    return `${this.#prefix}.${this.#count.toString(36)}`;
  }
}
