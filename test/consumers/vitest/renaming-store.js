/** Somebody else's store: it keeps each record under a name of its own, and can lose one by forgetting the name. */
export class RenamingStore {
  #inner;
  #losses = new Map();

  constructor(inner) {
    this.#inner = inner;
  }

  lose(key) {
    this.#losses.set(key, (this.#losses.get(key) ?? 0) + 1);
  }

  claim(claims) {
    return this.#inner.claim(this.#renamed(claims));
  }

  remember(claims) {
    return this.#inner.remember(this.#renamed(claims));
  }

  start(held) {
    return this.#inner.start(this.#renamed(held));
  }

  renew(held) {
    return this.#inner.renew(this.#renamed(held));
  }

  complete(completions) {
    return this.#inner.complete(this.#renamed(completions));
  }

  release(releases) {
    return this.#inner.release(this.#renamed(releases));
  }

  inspect(key) {
    return this.#inner.inspect(this.#nameOf(key));
  }

  forget(key, seen) {
    return this.#inner.forget(this.#nameOf(key), seen);
  }

  check() {
    return this.#inner.check();
  }

  onFinding(listener) {
    return this.#inner.onFinding(listener);
  }

  close() {
    return this.#inner.close();
  }

  #nameOf(key) {
    return `${key}#${this.#losses.get(key) ?? 0}`;
  }

  #renamed(calls) {
    return calls.map((call) => ({ ...call, key: this.#nameOf(call.key) }));
  }
}
